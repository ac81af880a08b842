import NIOCore

/// A frame of HTTP/2 as its bytes are.
struct RawFrame: Sendable {
  enum Kind: UInt8, Sendable {
    case data, headers, priority, reset, settings, push, ping, goAway, window, continuation
  }

  let kind: Kind
  var flags: UInt8 = 0
  var stream = 0
  var payload: [UInt8] = []

  /// Whether nothing more comes on the stream, or, of settings and pings, whether it is an answer.
  var isLast: Bool { flags & 1 != 0 }

  var bytes: [UInt8] {
    let length = payload.count
    let head = [UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255)]
    return head + [kind.rawValue, flags] + Self.word(stream) + payload
  }

  /// A number in four bytes.
  static func word(_ value: Int) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(value >> $0 & 255) }
  }

  /// The number in the four bytes from one on.
  static func word(_ bytes: some Collection<UInt8>) -> Int {
    bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) }
  }

  static func headers(
    _ stream: Int,
    _ method: String,
    _ path: String,
    _ fields: [(String, String)] = [],
    isLast: Bool = true
  ) -> RawFrame {
    // Every header in full: what HPACK makes shorter may be as long.
    let all = [(":method", method), (":scheme", "https"), (":authority", "x"), (":path", path)]
    let block = (all + fields).flatMap { field -> [UInt8] in
      [0] + text(field.0) + text(field.1)
    }
    return RawFrame(kind: .headers, flags: isLast ? 5 : 4, stream: stream, payload: block)
  }

  private static func text(_ text: String) -> [UInt8] {
    var length = text.utf8.count
    guard length >= 127 else { return [UInt8(length)] + text.utf8 }
    var bytes: [UInt8] = [127]
    length -= 127
    while length >= 128 {
      bytes.append(UInt8(length & 127 | 128))
      length >>= 7
    }
    return bytes + [UInt8(length)] + text.utf8
  }
}

/// A connection on which a test writes whatever frames it likes.
struct RawStreams {
  private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
  private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
  private var received: [UInt8] = []

  fileprivate init(
    _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>,
    _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
  ) {
    self.inbound = inbound.makeAsyncIterator()
    self.outbound = outbound
  }

  /// Begins to speak HTTP/2, with settings as they go over the wire.
  func begin(settings: [UInt8] = []) async throws {
    try await outbound.write(ByteBuffer(string: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
    try await send(RawFrame(kind: .settings, payload: settings))
  }

  func send(_ frames: RawFrame...) async throws {
    try await outbound.write(ByteBuffer(bytes: frames.flatMap(\.bytes)))
  }

  /// The next frame; nil when the server has ended the connection.
  mutating func next() async -> RawFrame? {
    while true {
      if let frame = take() { return frame }
      // An end may come as an error, too; only that it comes counts.
      guard let buffer = try? await inbound.next(isolation: #isolation) else { return nil }
      received += buffer.readableBytesView
    }
  }

  /// The next frame of a kind that isn't an answer of the protocol's own; what is before is left out.
  mutating func next(_ kind: RawFrame.Kind) async -> RawFrame? {
    while let frame = await next() {
      if frame.kind == kind { return frame }
    }
    return nil
  }

  /// All that comes until the server ends the connection.
  mutating func rest() async -> [RawFrame] {
    var frames: [RawFrame] = []
    while let frame = await next() { frames.append(frame) }
    return frames
  }

  private mutating func take() -> RawFrame? {
    guard received.count >= 9 else { return nil }
    let length = RawFrame.word([0] + received[..<3])
    guard received.count >= 9 + length else { return nil }
    defer { received.removeFirst(9 + length) }
    return RawFrame(
      kind: RawFrame.Kind(rawValue: received[3]) ?? .priority,
      flags: received[4],
      stream: RawFrame.word(received[5..<9]),
      payload: Array(received[9..<9 + length])
    )
  }
}

extension RawConnection {
  /// Opens a connection for HTTP/2.
  func streams<Value: Sendable>(
    _ body: @Sendable (inout RawStreams) async throws -> Value
  ) async throws -> Value {
    try await open(["h2"]).executeThenClose { inbound, outbound in
      var streams = RawStreams(inbound, outbound)
      return try await body(&streams)
    }
  }
}
