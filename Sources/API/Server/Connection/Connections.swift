import HummingbirdCore
import HummingbirdHTTP2
import Logging
import Model
import NIOCore
import NIOSSL
import NIOTLS

/// What every connection to the API becomes: HTTP/1, or under TLS what its client chose.
struct Connections: ServerChildChannel {
  /// One connection.
  struct Value: ServerChildChannelValue {
    let channel: any Channel
    let transport: Transport
  }

  /// How its bytes come.
  enum Transport: Sendable {
    case plain(HTTP1Connection.Value)
    case secure(EventLoopFuture<Negotiated>)
  }

  /// What the two sides agreed upon in the handshake.
  enum Negotiated: Sendable {
    case http1(HTTP1Connection.Value)
    case http2(HTTP2Channel.Value)
  }

  private let identity: TLSIdentity?
  private let counts: ConnectionCounts
  private let http1: HTTP1Connection
  private let http2: HTTP2Channel
  private let limits: ConnectionLimits

  init(
    identity: TLSIdentity?,
    limits: ConnectionLimits,
    counts: ConnectionCounts,
    responder: @escaping HTTPChannelHandler.Responder
  ) {
    self.identity = identity
    self.counts = counts
    self.limits = limits
    http1 = HTTP1Connection(responder: responder, limits: limits, isSecure: identity != nil)
    http2 = HTTP2Channel(
      responder: responder,
      configuration: HTTP2ChannelConfiguration(
        idleTimeout: limits.idle,
        gracefulCloseTimeout: limits.drain,
        streamConfiguration: HTTP1Channel.Configuration(
          additionalChannelHandlers: [StreamHandler(limits: limits)]
        )
      )
    )
  }

  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
    do {
      try Self.shareLoop(of: channel)
      try channel.pipeline.syncOperations.addHandler(AddressGate(counts))
    } catch {
      return channel.eventLoop.makeFailedFuture(error)
    }
    guard let identity else {
      return http1.setup(channel: channel, logger: logger).map {
        Value(channel: channel, transport: .plain($0))
      }
    }
    // Every connection takes the certificate that is valid when it comes in.
    let context = identity.context
    return channel.eventLoop.makeCompletedFuture {
      let negotiation = NIOTypedApplicationProtocolNegotiationHandler<Negotiated> { result in
        agreed(on: result, channel, logger)
      }
      let pipeline = channel.pipeline.syncOperations
      try pipeline.addHandler(NIOSSLServerHandler(context: context))
      try pipeline.addHandler(HandshakeHandler())
      try pipeline.addHandler(negotiation)
      return Value(channel: channel, transport: .secure(negotiation.protocolNegotiationResult))
    }
  }

  /// Bounds what one connection is read of before others have their turn: everything that has been
  /// read is answered without one, and a client may send thousands of requests at once.
  private static func shareLoop(of channel: any Channel) throws {
    let options = channel.syncOptions
    try options?.setOption(.maxMessagesPerRead, value: 1)
    try options?.setOption(
      .recvAllocator,
      value: FixedSizeRecvByteBufferAllocator(capacity: Limits.bytesPerRead)
    )
  }

  private func agreed(
    on result: ALPNResult,
    _ channel: any Channel,
    _ logger: Logger
  ) -> EventLoopFuture<Negotiated> {
    switch result {
    case .negotiated("h2"):
      do {
        try channel.pipeline.syncOperations.addHandler(HTTP2Handler(limits: limits))
      } catch {
        return channel.eventLoop.makeFailedFuture(error)
      }
      return http2.setup(channel: channel, logger: logger).map { .http2($0) }
    case .negotiated, .fallback:
      return http1.setup(channel: channel, logger: logger).map { .http1($0) }
    }
  }

  func handle(value: Value, logger: Logger) async {
    await withTaskExecutorPreference(EventLoopExecutor(value.channel.eventLoop)) {
      await speak(over: value.transport, logger)
    }
  }

  private func speak(over transport: Transport, _ logger: Logger) async {
    switch transport {
    case .plain(let connection):
      await http1.handle(value: connection, logger: logger)
    case .secure(let negotiated):
      do {
        switch try await negotiated.get() {
        case .http1(let connection): await http1.handle(value: connection, logger: logger)
        case .http2(let connection): await http2.handle(value: connection, logger: logger)
        }
      } catch {
        // Scanners and clients that don't trust the certificate: nothing that anybody must mend.
        logger.debug("tls handshake failed", metadata: ["error": "\(error)"])
      }
    }
  }
}
