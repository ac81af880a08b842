import Model
import NIOCore
import NIOHTTPTypes

/// The deadlines of one HTTP/2 stream; those of its connection are the connection's own.
final class StreamHandler: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPResponsePart

  private let limits: ConnectionLimits
  private var deadline: ConnectionTimer?
  private var stall: ConnectionTimer?

  init(limits: ConnectionLimits) {
    self.limits = limits
  }

  func handlerAdded(context: ChannelHandlerContext) {
    deadline = ConnectionTimer(context) {
      $0.fireErrorCaught(UnreadableBody(flaw: .slow))
    }
    stall = ConnectionTimer(context) { $0.close(promise: nil) }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    deadline?.stop()
    stall?.stop()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head: deadline?.set(limits.body)
    case .body: break
    case .end: deadline?.set(nil)
    }
    context.fireChannelRead(data)
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    stall?.set(context.channel.isWritable ? nil : limits.write)
    context.fireChannelWritabilityChanged()
  }
}
