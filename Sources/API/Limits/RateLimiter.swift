package import Model
import Synchronization

/// Counts requests, one token bucket a caller, in constant memory.
///
/// A bucket is one moment: when it will be full again (the "theoretical arrival time" of GCRA). A
/// full bucket is as good as none, so only such are ever dropped: nobody gets a new bucket by
/// making the table forget the old one. Who finds the table full of unfinished ones shares one
/// bucket with all others who do.
package final class RateLimiter: Sendable {
  /// Who is counted.
  package enum Counted: Hashable, Sendable {
    case key(KeyID, RateClass)
    case address(AddressBlock)
  }

  private struct Tables {
    var keys = Table()
    var addresses = Table()
  }

  /// The buckets of one kind of caller.
  private struct Table {
    /// When each bucket is full again, in microseconds since 1970.
    var fullAt: [Counted: Int64] = [:]
    /// The bucket of all who found no place.
    var sharedFullAt: Int64 = 0
    /// Before this a full table isn't looked through again.
    var nextSweep: Int64 = 0
  }

  private let limits: RateLimits
  private let clock: any WallClock
  private let capacity: Int
  private let tables = Mutex(Tables())
  /// When the last address that is refused won't be any more, unless it is counted again; apart from
  /// the tables, for every request with a key looks at it.
  private let refusesUntil = Atomic<Int64>(0)

  /// Makes a limiter with all buckets full.
  package init(limits: RateLimits, clock: any WallClock, capacity: Int = Limits.countedCallers) {
    self.limits = limits
    self.clock = clock
    self.capacity = capacity
  }

  /// Counts a request and tells where its caller stands after it.
  package func count(_ counted: Counted) -> RateStanding {
    let now = clock.now().milliseconds * 1000
    switch counted {
    case .key(_, let kind):
      return tables.withLock { count(counted, limits.of(kind), &$0.keys, now) }
    case .address:
      return tables.withLock { tables in
        let standing = count(counted, limits.address, &tables.addresses, now)
        note(standing)
        return standing
      }
    }
  }

  /// Where a caller without a key stands whose next request would be refused, without counting one;
  /// nil: it would pass.
  ///
  /// Asked for each request with a key, so that the caller is only looked for while anybody at all is
  /// refused.
  package func refusal(of counted: () -> Counted) -> RateStanding? {
    let until = refusesUntil.load(ordering: .relaxed)
    guard until > 0 else { return nil }
    let now = clock.now().milliseconds * 1000
    guard now < until else { return nil }
    return tables.withLock { tables in
      let place = tables.addresses.fullAt.count < capacity ? 0 : tables.addresses.sharedFullAt
      var fullAt = tables.addresses.fullAt[counted()] ?? place
      let standing = Self.take(limits.address, &fullAt, now)
      return standing.retryAfterSeconds == nil ? nil : standing
    }
  }

  /// Remembers until when the caller's next request would be refused; called within the lock.
  private func note(_ standing: RateStanding) {
    guard standing.remaining <= 0 else { return }
    let limit = limits.address
    let opensAt = standing.reset.milliseconds * 1000 + Self.token(limit) - Self.whole(limit)
    if opensAt > refusesUntil.load(ordering: .relaxed) {
      refusesUntil.store(opensAt, ordering: .relaxed)
    }
  }

  private func count(
    _ counted: Counted,
    _ limit: RateLimit,
    _ table: inout Table,
    _ now: Int64
  ) -> RateStanding {
    guard let fullAt = table.fullAt[counted] ?? placeInTable(&table, now) else {
      return Self.take(limit, &table.sharedFullAt, now)
    }
    var changed = fullAt
    let standing = Self.take(limit, &changed, now)
    table.fullAt[counted] = changed
    return standing
  }

  /// A full bucket for a newcomer; nil when there is no place for it.
  private func placeInTable(_ table: inout Table, _ now: Int64) -> Int64? {
    if table.fullAt.count < capacity { return 0 }
    guard now >= table.nextSweep else { return nil }
    table.nextSweep = now + Limits.callerSweep.milliseconds * 1000
    table.fullAt = table.fullAt.filter { $0.value > now }
    return table.fullAt.count < capacity ? 0 : nil
  }

  /// How long one token takes to come back, in microseconds.
  private static func token(_ limit: RateLimit) -> Int64 {
    60_000_000 / Int64(max(1, limit.perMinute))
  }

  /// How long a whole bucket takes.
  private static func whole(_ limit: RateLimit) -> Int64 {
    token(limit) * Int64(max(1, limit.burst))
  }

  /// Takes a token if there is one.
  private static func take(_ limit: RateLimit, _ fullAt: inout Int64, _ now: Int64) -> RateStanding
  {
    let (token, whole) = (token(limit), whole(limit))
    // A clock that was set back must not lock anybody out for longer than an empty bucket.
    let start = min(max(fullAt, now), now + whole)
    let after = start + token
    let isAllowed = after - now <= whole
    if isAllowed { fullAt = after } else { fullAt = start }
    return RateStanding(
      limit: max(1, limit.burst),
      remaining: Int((whole - (fullAt - now)) / max(1, token)),
      reset: Timestamp(milliseconds: (fullAt + 999) / 1000),
      retryAfterSeconds: isAllowed ? nil : Int(max(1, (after - whole - now + 999_999) / 1_000_000))
    )
  }
}

/// Where a caller stands after a request was counted.
package struct RateStanding: Sendable, Equatable {
  /// How many requests there may be at once.
  package let limit: Int
  /// How many more there may be now.
  package let remaining: Int
  /// When there may be as many as ever again.
  package let reset: Timestamp
  /// In how many seconds the next one may come; nil when this one may pass.
  package let retryAfterSeconds: Int?
}
