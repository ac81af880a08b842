import API
import Foundation
import HTTPTypes
import HummingbirdTesting
import Model
import NIOCore
import NIOPosix
import NIOSSL
import Testing

/// An answer as its bytes came.
struct RawAnswer: Sendable {
  let statusLine: String
  let headers: [String: String]
  let body: String

  var status: Int { Int(statusLine.split(separator: " ").dropFirst().first ?? "") ?? 0 }
  var version: String { String(statusLine.prefix { $0 != " " }) }
  var code: String? { json?["code"]?.text }
  var json: JSON? {
    try? JSONReader.read(Array(body.utf8), depthLimit: Limits.jsonDepth)
  }

  /// The first fault's code and sentence.
  var fault: JSON? { json?["errors"]?[0] }

  /// Parts what came into answers, by the lengths that they tell.
  static func all(in text: String, headOnly: Bool = false) throws -> [RawAnswer] {
    var rest = Array(text.utf8)
    var answers: [RawAnswer] = []
    let end = Array("\r\n\r\n".utf8)
    while !rest.isEmpty {
      let range = try #require(rest.firstRange(of: end), "no end of headers in \(text)")
      let lines = String(decoding: rest[..<range.lowerBound], as: UTF8.self)
        .components(separatedBy: "\r\n")
      var headers: [String: String] = [:]
      for line in lines.dropFirst() {
        let parts = line.split(separator: ":", maxSplits: 1)
        let name = parts[0].lowercased()
        #expect(headers[name] == nil, "\(name) twice")
        headers[name] = parts[1].trimmingCharacters(in: .whitespaces)
      }
      let isInformational = lines[0].contains(" 100 ")
      let length = headOnly || isInformational ? 0 : Int(headers["content-length"] ?? "0") ?? 0
      let body = rest[range.upperBound...].prefix(length)
      answers.append(
        RawAnswer(
          statusLine: lines[0],
          headers: headers,
          body: String(decoding: body, as: UTF8.self)
        )
      )
      rest = Array(rest[range.upperBound...].dropFirst(length))
    }
    return answers
  }
}

/// A connection on which a test writes whatever it likes.
struct RawConnection: Sendable {
  let port: Int
  /// Whom to trust under TLS; nil: the bytes aren't encrypted.
  var trusted: TestCertificate?

  /// The same, encrypted.
  func trusting(_ certificate: TestCertificate) -> RawConnection {
    RawConnection(port: port, trusted: certificate)
  }

  private func tls(_ protocols: [String]) throws -> NIOSSLContext? {
    guard let trusted else { return nil }
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.applicationProtocols = protocols
    configuration.trustRoots = .certificates(
      try NIOSSLCertificate.fromPEMBytes(trusted.certificate)
    )
    configuration.certificateVerification = .noHostnameVerification
    return try NIOSSLContext(configuration: configuration)
  }

  /// Opens it, under TLS for what the client wants to speak.
  func open(_ protocols: [String] = []) async throws -> NIOAsyncChannel<ByteBuffer, ByteBuffer> {
    let tls = try tls(protocols)
    return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .connect(host: "127.0.0.1", port: port) { channel in
        channel.eventLoop.makeCompletedFuture {
          if let tls {
            let handler = try NIOSSLClientHandler(context: tls, serverHostname: nil)
            try channel.pipeline.syncOperations.addHandler(handler)
          }
          return try NIOAsyncChannel(
            wrappingChannelSynchronously: channel,
            configuration: .init(isOutboundHalfClosureEnabled: true)
          )
        }
      }
  }

  /// Sends bytes and returns all that comes until the server ends the connection.
  func send(_ bytes: [UInt8], thenFinish: Bool = false) async throws -> String {
    try await open().executeThenClose { inbound, outbound in
      try await outbound.write(ByteBuffer(bytes: bytes))
      if thenFinish { outbound.finish() }
      var received: [UInt8] = []
      for try await buffer in inbound { received += buffer.readableBytesView }
      return String(decoding: received, as: UTF8.self)
    }
  }

  /// Sends a request again and again, reads nothing, and waits until the server ends the
  /// connection.
  func waitUntilLetGo(_ request: String, count: Int) async {
    do {
      let channel = try await open()
      try await channel.executeThenClose { _, outbound in
        for _ in 0..<count { try await outbound.write(ByteBuffer(string: request)) }
        try await channel.channel.closeFuture.get()
      }
    } catch {
      // The server's end may come as an error, too; only that it comes counts.
    }
  }

  /// Sends a text and returns the answers until the server ends the connection.
  func answers(to text: String, thenFinish: Bool = false) async throws -> [RawAnswer] {
    try RawAnswer.all(in: await send(Array(text.utf8), thenFinish: thenFinish))
  }

  /// Talks with the server: each text is sent when an answer to the one before it has begun.
  func talk(
    _ texts: [String],
    between: @Sendable () async throws -> Void = {}
  ) async throws -> [RawAnswer] {
    try await open().executeThenClose { inbound, outbound in
      var iterator = inbound.makeAsyncIterator()
      var received: [UInt8] = []
      for (index, text) in texts.enumerated() {
        try await outbound.write(ByteBuffer(string: text))
        guard index < texts.count - 1 else { break }
        if let buffer = try await iterator.next() { received += buffer.readableBytesView }
        try await between()
      }
      while let buffer = try await iterator.next() { received += buffer.readableBytesView }
      return try RawAnswer.all(in: String(decoding: received, as: UTF8.self))
    }
  }
}

extension World {
  /// Runs a test against a server that listens.
  static func live(
    configure: @Sendable (inout APIConfiguration) -> Void = { _ in },
    identity: TLSIdentity? = nil,
    _ body: @escaping @Sendable (World, RawConnection) async throws -> Void
  ) async throws {
    try await World.with(configure: configure, identity: identity) { world, _ in
      try await world.server.application.test(.live) { client in
        try await body(world, RawConnection(port: try #require(client.port)))
      }
    }
  }
}
