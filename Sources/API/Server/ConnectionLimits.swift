import Model

/// How long and how much a connection may, so that nobody holds one for nothing.
package struct ConnectionLimits: Sendable, Equatable {
  /// Most connections at the same time; more wait until one ends.
  package var maximum: Int
  /// Most of them from one address; further ones are closed at once.
  package var maximumPerAddress: Int
  /// How long one may be without a request.
  package var idle: Duration
  /// How long the first line and headers of a request may take.
  package var head: Duration
  /// How long the body of a request may take.
  package var body: Duration
  /// How long an answer may wait for its reader.
  package var write: Duration
  /// How long the server's end waits for the requests under way.
  package var drain: Duration

  /// Makes limits; without a word they are the documented ones.
  package init(
    maximum: Int = Limits.connections,
    maximumPerAddress: Int = Limits.connectionsPerAddress,
    idle: Duration = Limits.idleTimeout,
    head: Duration = Limits.headTimeout,
    body: Duration = Limits.bodyTimeout,
    write: Duration = Limits.writeTimeout,
    drain: Duration = Limits.drainTimeout
  ) {
    self.maximum = maximum
    self.maximumPerAddress = maximumPerAddress
    self.idle = idle
    self.head = head
    self.body = body
    self.write = write
    self.drain = drain
  }
}
