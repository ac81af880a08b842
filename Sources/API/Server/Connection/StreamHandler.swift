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
  /// Whether the answer is complete; what is left is the client's to take.
  private var isAnswered = false

  init(limits: ConnectionLimits) {
    self.limits = limits
  }

  func handlerAdded(context: ChannelHandlerContext) {
    deadline = ConnectionTimer(context) {
      $0.fireErrorCaught(UnreadableBody(flaw: .slow))
    }
    stall = ConnectionTimer(context) { $0.close(promise: nil) }
    tell(.opened, context)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    deadline?.stop()
    stall?.stop()
    tell(.closed, context)
  }

  private func tell(_ change: HTTP2Handler.StreamChange, _ context: ChannelHandlerContext) {
    context.channel.parent?.pipeline.fireUserInboundEventTriggered(change)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head: deadline?.set(limits.body)
    case .body: break
    case .end: deadline?.set(nil)
    }
    context.fireChannelRead(data)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    // The connection takes no more streams; this one ends with its answer. Hummingbird would close it
    // behind the answer's last part, and what of it waits for the client's window would be lost.
    if event is ChannelShouldQuiesceEvent { return }
    context.fireUserInboundEventTriggered(event)
  }

  func write(
    context: ChannelHandlerContext,
    data: NIOAny,
    promise: EventLoopPromise<Void>?
  ) {
    // What a client gives no window for waits unseen: a small answer fills no buffer.
    if case .end = unwrapOutboundIn(data) {
      isAnswered = true
      stall?.set(limits.write)
    }
    context.write(data, promise: promise)
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if !isAnswered { stall?.set(context.channel.isWritable ? nil : limits.write) }
    context.fireChannelWritabilityChanged()
  }
}
