import Model
import NIOCore
import NIOTLS

/// Closes a connection whose TLS handshake takes too long, or hasn't ended when the server ends.
final class HandshakeHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = NIOAny

  private var deadline: ConnectionTimer?

  func handlerAdded(context: ChannelHandlerContext) {
    deadline = ConnectionTimer(context) { $0.close(promise: nil) }
    deadline?.set(Limits.handshakeTimeout)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    deadline?.stop()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case TLSUserEvent.handshakeCompleted:
      deadline?.stop()
      deadline = nil
    case is ChannelShouldQuiesceEvent where deadline != nil:
      context.close(promise: nil)
    default:
      break
    }
    context.fireUserInboundEventTriggered(event)
  }
}
