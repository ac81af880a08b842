import Model
import NIOCore

/// What the server's side of an HTTP/2 connection needs beside what Hummingbird does.
///
/// It closes a connection on which nothing is asked, whatever else its client does: Hummingbird sends a
/// `GOAWAY` and a `PING` and waits for the answer to that, so that a client that answers nothing
/// would hold its connection for good, and the server's end for as long as it may take.
///
/// And it lets the last answer out: Hummingbird closes a connection that is ending when its last stream
/// ends, which is before the frames that end it are written.
final class HTTP2Handler: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer

  /// What streams tell the connection that they belong to.
  enum StreamChange: Sendable {
    case opened
    case closed
  }

  private let limits: ConnectionLimits
  private var open = 0
  private var isEnding = false
  private var isClosing = false
  private var deadline: ConnectionTimer?

  init(limits: ConnectionLimits) {
    self.limits = limits
  }

  func handlerAdded(context: ChannelHandlerContext) {
    deadline = ConnectionTimer(context) { $0.close(promise: nil) }
    setDeadline()
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    deadline?.stop()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if let change = event as? StreamChange {
      open += change == .opened ? 1 : -1
      return setDeadline()
    }
    if event is ChannelShouldQuiesceEvent {
      isEnding = true
      setDeadline()
    }
    context.fireUserInboundEventTriggered(event)
  }

  func close(
    context: ChannelHandlerContext,
    mode: CloseMode,
    promise: EventLoopPromise<Void>?
  ) {
    guard mode == .all, !isClosing else { return context.close(mode: mode, promise: promise) }
    isClosing = true
    // What is being written now is written by then.
    context.eventLoop.assumeIsolated().execute {
      context.flush()
      context.close(promise: promise)
    }
  }

  /// Streams have deadlines of their own.
  private func setDeadline() {
    guard open == 0 else { return deadline?.set(nil) ?? () }
    deadline?.set((isEnding ? .zero : limits.idle) + Limits.lingerTimeout)
  }
}
