/// How often one caller may ask: so many requests at once, and so many a minute in the long run.
package struct RateLimit: Sendable, Equatable {
  /// Requests a minute in the long run.
  package var perMinute: Int
  /// Requests at once.
  package var burst: Int

  /// Makes a limit.
  package init(perMinute: Int, burst: Int) {
    self.perMinute = perMinute
    self.burst = burst
  }
}

/// The kinds of requests that have a limit of their own.
package enum RateClass: String, Sendable, CaseIterable {
  /// What only looks.
  case read
  /// What changes something or makes a job.
  case write
  /// What acts on a VPS's power.
  case power
}

/// The limits of every kind of request, each for one key, and that of an address without a key.
package struct RateLimits: Sendable, Equatable {
  /// What only looks.
  package var read: RateLimit
  /// What changes something or makes a job.
  package var write: RateLimit
  /// What acts on a VPS's power.
  package var power: RateLimit
  /// Requests without a valid key from one address.
  package var address: RateLimit

  /// Makes the limits; without a word they are the documented ones.
  package init(
    read: RateLimit = RateLimit(perMinute: 1200, burst: 300),
    write: RateLimit = RateLimit(perMinute: 120, burst: 60),
    power: RateLimit = RateLimit(perMinute: 60, burst: 20),
    address: RateLimit = RateLimit(perMinute: 120, burst: 60)
  ) {
    self.read = read
    self.write = write
    self.power = power
    self.address = address
  }

  /// The limit of a kind of request.
  package func of(_ kind: RateClass) -> RateLimit {
    switch kind {
    case .read: read
    case .write: write
    case .power: power
    }
  }
}
