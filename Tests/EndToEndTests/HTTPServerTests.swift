import Foundation
import Glibc
import TestSupport
import Testing

/// The program's HTTP door, with the signals that operators send it.
@Suite(.scratchDirectory, .timeLimit(.minutes(5))) struct HTTPServerTests {
  private static func certificate(_ name: String) async throws -> String {
    let path = "\(ScratchDirectory.path)/\(name)"
    try await TestProcess.run(
      "openssl",
      [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
        "2", "-subj", "/CN=\(name)", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
        "\(path).key", "-out", "\(path).pem",
      ]
    )
    return path
  }

  private static func install(_ name: String) throws {
    for ending in ["pem", "key"] {
      let target = "\(ScratchDirectory.path)/live.\(ending)"
      let data = try Data(contentsOf: URL(filePath: "\(ScratchDirectory.path)/\(name).\(ending)"))
      try data.write(to: URL(filePath: target), options: .atomic)
    }
  }

  /// A server with the certificate that is installed, and no worker.
  private static func withTLS(_ body: (Server) async throws -> Void) async throws {
    let folder = ScratchDirectory.path
    try await Server.with(
      below: folder,
      libvirtURI: "test:///default",
      variables: [
        "REHOME_API_TLS_CERTIFICATE": "\(folder)/live.pem",
        "REHOME_API_TLS_KEY": "\(folder)/live.key", "REHOME_WORKER_ENABLED": "false",
      ],
      body
    )
  }

  @Test func `A certificate is read again at SIGHUP, a bad one is told and left`() async throws {
    for name in ["first", "second"] { _ = try await Self.certificate(name) }
    try Self.install("first")
    let folder = ScratchDirectory.path
    try await Self.withTLS { server in
      try await server.listen()
      let port = try #require(server.base()?.split(separator: ":").last)
      func isTrusted(by name: String) async -> Bool {
        let answer = try? await TestProcess.run(
          "curl",
          ["-sS", "--cacert", "\(folder)/\(name).pem", "https://127.0.0.1:\(port)/healthz"]
        )
        return answer?.contains("ok") == true
      }
      let before = await isTrusted(by: "first")
      #expect(before)

      try Data("nonsense".utf8).write(to: URL(filePath: "\(folder)/live.pem"))
      try await server.signal(SIGHUP)
      try await poll("the bad certificate is told") {
        server.log().contains("certificate kept") ? true : nil
      }
      let kept = await isTrusted(by: "first")
      #expect(kept)

      try Self.install("second")
      try await server.signal(SIGHUP)
      try await poll("the new certificate is read") {
        server.log().contains("certificate read again") ? true : nil
      }
      let (new, old) = (await isTrusted(by: "second"), await isTrusted(by: "first"))
      #expect(new && !old)
      let status = try await server.stop()
      #expect(status == 0)
    }
  }

  @Test func `A certificate whose file hangs is left, and keeps no end waiting`() async throws {
    _ = try await Self.certificate("first")
    try Self.install("first")
    let folder = ScratchDirectory.path
    try await Self.withTLS { server in
      try await server.listen()
      try FileManager.default.removeItem(atPath: "\(folder)/live.key")
      // Nobody ever writes to it, so whoever opens it waits.
      try await TestProcess.run("mkfifo", ["\(folder)/live.key"])
      try await server.signal(SIGHUP)
      #expect(try await server.stop() == 0)
      #expect(server.log().contains("certificate kept"))
    }
  }

  @Test func `SIGHUP without a certificate ends nothing, SIGTERM ends idle connections`()
    async throws
  {
    try await Server.with(
      below: ScratchDirectory.path,
      libvirtURI: "test:///default",
      variables: ["REHOME_WORKER_ENABLED": "false"]
    ) { server in
      try await server.listen()
      let base = try #require(server.base())
      try await server.signal(SIGHUP)
      try await poll("the signal is told") {
        server.log().contains("nothing to read again") ? true : nil
      }
      let health = try await Asking(base: base).get("/healthz")
      #expect(health.status == 200)
      // The client keeps its connection, idle.
      let status = try await server.stop()
      #expect(status == 0)
      #expect(!server.log().contains("requests cut off"))
    }
  }
}
