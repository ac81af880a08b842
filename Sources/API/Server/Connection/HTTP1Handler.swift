import HTTPTypes
import Model
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// The server's side of one HTTP/1 connection: its deadlines, its end, and what is made of bytes
/// that aren't a request.
///
/// What can't be read is passed on as a request that stands for it (`MessageFlaw.mark`), behind
/// those that came before; so it is answered in its turn, by the same code as everything else.
final class HTTP1Handler: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = HTTPRequestPart
  typealias OutboundIn = HTTPResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  /// What is being read.
  private enum Reading {
    /// Nothing: the next request hasn't begun.
    case nothing
    /// A first line and headers.
    case head
    /// A body.
    case body
    /// Nothing any more.
    case over
  }

  private let limits: ConnectionLimits
  private let isSecure: Bool

  private var reading = Reading.nothing
  /// Requests that were passed on and whose answers aren't complete.
  private var unanswered = 0
  private var endsAfterAnswers = false
  /// Whether the last answer is complete, but may not be with the kernel yet.
  private var isWritingLast = false
  private var isLingering = false
  private var isInputClosed = false
  /// Whether an answer is being written that goes on until its reader leaves.
  private var isStreaming = false
  /// Whether the body being read is known to be short enough to be read after its answer.
  private var hasShortBody = true
  /// The version of the newest request; older clients know no chunks.
  private var version = HTTPVersion.http1_1

  private var deadline: ConnectionTimer?
  private var stall: ConnectionTimer?

  init(limits: ConnectionLimits, isSecure: Bool) {
    self.limits = limits
    self.isSecure = isSecure
  }

  func handlerAdded(context: ChannelHandlerContext) {
    deadline = ConnectionTimer(context) { [weak self] in self?.timedOut($0) }
    stall = ConnectionTimer(context) { $0.close(promise: nil) }
    setDeadline()
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    deadline?.stop()
    stall?.stop()
  }
}

// MARK: - Reading

extension HTTP1Handler {
  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard reading != .over else { return }
    switch unwrapInboundIn(data) {
    case .head(let head):
      read(head, context)
    case .body(let bytes):
      context.fireChannelRead(wrapInboundOut(.body(bytes)))
    case .end:
      reading = endsAfterAnswers ? .over : .nothing
      context.fireChannelRead(wrapInboundOut(.end(nil)))
      setDeadline()
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    context.fireChannelReadComplete()
    // Nobody else asks for more once the connection's task has ended.
    if isLingering { context.read() }
  }

  private func read(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    if let flaw = MessageFlaw(of: head) { return refuse(flaw, context) }
    guard let request = try? HTTPRequest(head, secure: isSecure, splitCookie: false) else {
      return refuse(.requestLine, context)
    }
    version = head.version
    let length = head.headers.first(name: "content-length").flatMap { Int($0) }
    hasShortBody =
      (length ?? 0) <= Limits.requestBodyBytes && !head.headers.contains(name: "transfer-encoding")
    // Nothing is read behind a request for another protocol, which nobody here speaks.
    if !head.isKeepAlive || head.headers.contains(name: "upgrade") || head.method == .CONNECT {
      endsAfterAnswers = true
    }
    reading = .body
    unanswered += 1
    if hasShortBody, unanswered == 1, head.version == .http1_1,
      head.headers.first(name: "expect")?.lowercased() == "100-continue"
    {
      let go = HTTPResponseHead(version: .http1_1, status: .continue)
      context.writeAndFlush(wrapOutboundOut(.head(go)), promise: nil)
    }
    context.fireChannelRead(wrapInboundOut(.head(request)))
    setDeadline()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case is BytesArrived:
      guard reading == .nothing else { return }
      reading = .head
      setDeadline()
    case is ChannelShouldQuiesceEvent:
      endsAfterAnswers = true
      if reading == .nothing { reading = .over }
      if reading == .over, unanswered == 0 { finish(context) }
    case ChannelEvent.inputClosed:
      isInputClosed = true
      context.fireUserInboundEventTriggered(event)
      // A reader of a stream that sends no more has left: nothing else ends its stream.
      if isLingering || isStreaming { context.close(promise: nil) }
    default:
      context.fireUserInboundEventTriggered(event)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    switch error {
    case let error as HTTPParserError:
      refuse(MessageFlaw(error, inBody: reading == .body), context)
    case is ByteToMessageDecoderError:
      // More bytes after those that couldn't be read.
      break
    default:
      context.fireErrorCaught(error)
      context.close(promise: nil)
    }
  }

  /// Passes on that what comes in isn't a request, or isn't the rest of one.
  private func refuse(_ flaw: MessageFlaw, _ context: ChannelHandlerContext) {
    guard reading != .over else { return }
    let isInBody = reading == .body
    reading = .over
    endsAfterAnswers = true
    setDeadline()
    if !isInBody {
      unanswered += 1
      context.fireChannelRead(wrapInboundOut(.head(flaw.mark)))
      context.fireChannelRead(wrapInboundOut(.end(nil)))
      context.fireChannelReadComplete()
    } else if unanswered > 0 {
      context.fireErrorCaught(UnreadableBody(flaw: flaw))
    } else {
      finish(context)
    }
  }
}

// MARK: - Answering

extension HTTP1Handler {
  func write(
    context: ChannelHandlerContext,
    data: NIOAny,
    promise: EventLoopPromise<Void>?
  ) {
    switch unwrapOutboundIn(data) {
    case .head(let response):
      isStreaming = response.headerFields[.contentType] == "text/event-stream"
      if isStreaming, isInputClosed { return context.close(promise: promise) }
      context.write(wrapOutboundOut(.head(head(of: response))), promise: promise)
    case .body(let bytes):
      context.write(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: promise)
    case .end:
      isStreaming = false
      unanswered -= 1
      if endsAfterAnswers, unanswered == 0 {
        writeLast(context, promise)
      } else {
        context.write(wrapOutboundOut(.end(nil)), promise: promise)
        setDeadline()
      }
    }
  }

  /// Writes the end of the last answer, and ends the connection when the kernel has it: what waits
  /// for a slow client would be lost by closing.
  private func writeLast(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
    isWritingLast = true
    let written = promise ?? context.eventLoop.makePromise(of: Void.self)
    written.futureResult.assumeIsolated().whenComplete { [weak self] _ in
      guard let self else { return }
      isWritingLast = false
      finish(context)
    }
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: written)
  }

  private func head(of response: HTTPResponse) -> HTTPResponseHead {
    var head = HTTPResponseHead(response)
    // The rest of a long body would only be read to be thrown away.
    if reading == .body, unanswered == 1, !hasShortBody { endsAfterAnswers = true }
    // HTTP/1.0 has no chunks: the end of an answer without a length is the connection's.
    if version == .http1_0, !head.headers.contains(name: "Content-Length") {
      endsAfterAnswers = true
    }
    if endsAfterAnswers, unanswered == 1 {
      head.headers.replaceOrAdd(name: "Connection", value: "close")
    } else if version == .http1_0 {
      head.headers.replaceOrAdd(name: "Connection", value: "keep-alive")
    }
    if version == .http1_0 { head.version = .http1_0 }
    return head
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    stall?.set(context.channel.isWritable ? nil : limits.write)
    context.fireChannelWritabilityChanged()
  }
}

// MARK: - Ending

extension HTTP1Handler {
  func close(
    context: ChannelHandlerContext,
    mode: CloseMode,
    promise: EventLoopPromise<Void>?
  ) {
    switch mode {
    case .output:
      if !isWritingLast { finish(context) }
      promise?.succeed()
    case .all where (isLingering || isWritingLast) && context.channel.isActive:
      isLingering = true
      setDeadline()
      context.channel.closeFuture.cascade(to: promise)
    case .all, .input:
      context.close(mode: mode, promise: promise)
    }
  }

  /// Ends the connection so that the last answer arrives: closing with unread bytes would make the
  /// client's kernel throw the answer away.
  private func finish(_ context: ChannelHandlerContext) {
    guard !isLingering else { return }
    reading = .over
    isLingering = true
    guard !isInputClosed, !isSecure else {
      // TLS says good-bye in its own words and waits for the client's.
      context.close(promise: nil)
      return
    }
    context.close(mode: .output, promise: nil)
    setDeadline()
    context.read()
  }

  private func setDeadline() {
    if isLingering { return deadline?.set(Limits.lingerTimeout) ?? () }
    let duration: Duration? =
      switch reading {
      // The time in which others of the client's requests are answered isn't the client's.
      case .nothing: unanswered == 0 ? limits.idle : nil
      case .head: unanswered == 0 ? limits.head : nil
      case .body: unanswered <= 1 ? limits.body : nil
      case .over: nil
      }
    deadline?.set(duration)
  }

  private func timedOut(_ context: ChannelHandlerContext) {
    if isLingering {
      context.close(promise: nil)
      return
    }
    switch reading {
    case .nothing: finish(context)
    case .head, .body: refuse(.slow, context)
    case .over: break
    }
  }
}
