import NIOCore

/// Tells that bytes of a request came in, before it is known whether they are one.
struct BytesArrived: Sendable {}

/// Tells the handlers behind it of every arrival: the parser says nothing until a head is complete,
/// and a slow one would look like a silent connection.
final class ArrivalHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    context.fireUserInboundEventTriggered(BytesArrived())
    context.fireChannelRead(data)
  }
}
