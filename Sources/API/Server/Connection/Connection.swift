import NIOCore

/// What a request came on and its answer goes to.
struct Connection: Sendable {
  private let channel: any Channel

  init(_ channel: any Channel) {
    self.channel = channel
  }

  /// Ends it at once, whatever is still to be sent.
  func close() { channel.close(promise: nil) }
}
