import NIOCore

/// Closes a connection at once whose address has as many as it may, before anything is spent on it.
///
/// It has to be the first handler: those behind it don't hear of a connection that is refused.
final class AddressGate: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = NIOAny

  private let counts: ConnectionCounts

  init(_ counts: ConnectionCounts) {
    self.counts = counts
  }

  // The address isn't known before.
  func channelActive(context: ChannelHandlerContext) {
    switch counts.enter(context.remoteAddress?.ipAddress) {
    case .refused:
      context.close(promise: nil)
      return
    case .counted(let block):
      context.channel.closeFuture.whenComplete { [counts] _ in counts.leave(block) }
    case .exempt:
      break
    }
    context.fireChannelActive()
  }
}
