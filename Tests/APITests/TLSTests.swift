import API
import Model
import TestSupport
import Testing

/// Encrypted connections, with the clients that people have.
@Suite(.scratchDirectory, .timeLimit(.minutes(5))) struct TLSTests {
  @Test func `The client chooses between HTTP/1_1 and HTTP/2`() async throws {
    let certificate = try await TestCertificate("first")
    try await World.live(identity: certificate.identity()) { world, connection in
      let curl = Curl(certificate: certificate, port: connection.port)
      for (choice, version) in [("--http1.1", "1.1"), ("--http2", "2")] {
        let health = try await curl.ask("/healthz", [choice])
        #expect(health.hasSuffix("\n\(version) 200"), "\(health)")
        #expect(health.lowercased().contains("strict-transport-security: max-age="))
        let missing = try await curl.ask("/nowhere", [choice])
        #expect(missing.hasSuffix("\n\(version) 404"))
        #expect(missing.contains("application/problem+json"))
        let key = ["-H", "Authorization: Bearer \(world.key)"]
        let list = try await curl.ask("/api/v2/vps", [choice] + key)
        #expect(list.hasSuffix("\n\(version) 200"))
        let large = String(repeating: "x", count: 100_000)
        let refused = try await curl.ask(
          "/api/v2/vps/\(world.source.id)/backups",
          [choice, "-d", large] + key
        )
        #expect(refused.hasSuffix("\n\(version) 413"), "\(refused)")
      }
    }
  }

  @Test func `A body that is too slow is a 408 in HTTP/2, too`() async throws {
    let certificate = try await TestCertificate("first")
    try await World.live(
      configure: { $0.connections.body = .milliseconds(300) },
      identity: certificate.identity()
    ) { world, connection in
      let text = try await TestProcess.run(
        "sh",
        [
          "-c",
          #"(printf '{'; sleep 20) | curl -sS -i --http2 --cacert "$1" -X POST -T - -H "$2" "$3""#,
          "sh", certificate.certificatePath, "Authorization: Bearer \(world.key)",
          "https://127.0.0.1:\(connection.port)/api/v2/vps/\(world.source.id)/backups",
        ]
      )
      #expect(text.hasPrefix("HTTP/2 408"), "\(text)")
      #expect(text.contains("request_timeout"))
    }
  }

  @Test func `A new certificate is for new connections; open ones go on`() async throws {
    let first = try await TestCertificate("first")
    let second = try await TestCertificate("second")
    let identity = try first.identity()
    try await World.live(identity: identity) { _, connection in
      let health = "GET /healthz HTTP/1.1\r\nHost: x\r\n"
      let answers = try await connection.trusting(first).talk(
        ["\(health)\r\n", "\(health)Connection: close\r\n\r\n"]
      ) {
        try identity.replace(certificate: second.certificate, key: second.key)
      }
      #expect(answers.map(\.status) == [200, 200])
      let new = try await Curl(certificate: second, port: connection.port).ask("/healthz")
      #expect(new.hasSuffix(" 200"))
      await #expect(throws: TestProcess.Failure.self) {
        try await Curl(certificate: first, port: connection.port).ask("/healthz")
      }
    }
  }

  @Test func `What can't be used changes nothing`() async throws {
    let first = try await TestCertificate("first")
    let second = try await TestCertificate("second")
    let identity = try first.identity()
    let bad: [(certificate: [UInt8], key: [UInt8])] = [
      ([], first.key), (Array("nonsense".utf8), first.key), (first.certificate, []),
      (first.certificate, Array("nonsense".utf8)), (first.certificate, second.key),
    ]
    for (certificate, key) in bad {
      #expect(throws: TLSFault.self) {
        try identity.replace(certificate: certificate, key: key)
      }
      #expect(throws: TLSFault.self) { try TLSIdentity(certificate: certificate, key: key) }
    }
    try await World.live(identity: identity) { _, connection in
      let answer = try await Curl(certificate: first, port: connection.port).ask("/healthz")
      #expect(answer.hasSuffix(" 200"))
    }
  }

  @Test func `What isn't TLS, or is an old one, gets nothing`() async throws {
    let certificate = try await TestCertificate("first")
    try await World.live(identity: certificate.identity()) { _, connection in
      let curl = Curl(certificate: certificate, port: connection.port)
      await #expect(throws: TestProcess.Failure.self) {
        try await curl.ask("/healthz", ["--tls-max", "1.1"])
      }
      let plain = try? await connection.send(Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
      #expect(plain?.contains("HTTP/1.1") != true)
      let health = try await curl.ask("/healthz")
      #expect(health.hasSuffix(" 200"))
    }
  }
}
