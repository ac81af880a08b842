import API
import Foundation
import Model
import Testing

/// What comes over a real socket and isn't a request, or not all of one.
@Suite(.timeLimit(.minutes(5))) struct SocketTests {
  struct Bad: Sendable, CustomTestStringConvertible {
    var testDescription: String { name }
    var name: String
    var text: String
    var status = 400
    /// A part of the sentence.
    var words: String
  }

  private static let host = "Host: x\r\n"

  static let bad: [Bad] = [
    Bad(name: "nonsense", text: "nonsense\r\n\r\n", words: "first line"),
    Bad(name: "binary", text: "\u{16}\u{3}\u{1}\u{2}\0\u{1}\r\n\r\n", words: "first line"),
    Bad(
      name: "unknown method",
      text: "FROBNICATE / HTTP/1.1\r\n\(host)\r\n",
      words: "first line"
    ),
    Bad(name: "no version", text: "GET /healthz\r\n\r\n", words: "HTTP"),
    Bad(name: "version 3.0", text: "GET /healthz HTTP/3.0\r\n\(host)\r\n", words: "version"),
    Bad(name: "space in the path", text: "GET /a b HTTP/1.1\r\n\(host)\r\n", words: "first line"),
    Bad(name: "preface", text: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", words: "HTTP"),
    Bad(
      name: "header without colon",
      text: "GET /healthz HTTP/1.1\r\n\(host)nonsense\r\n\r\n",
      words: "header"
    ),
    Bad(
      name: "header's name with a space",
      text: "GET /healthz HTTP/1.1\r\n\(host)A b: c\r\n\r\n",
      words: "header"
    ),
    Bad(
      name: "control character in a header",
      text: "GET /healthz HTTP/1.1\r\n\(host)A: b\u{1}c\r\n\r\n",
      words: "header"
    ),
    Bad(name: "no Host", text: "GET /healthz HTTP/1.1\r\n\r\n", words: "Host"),
    Bad(name: "two Hosts", text: "GET /healthz HTTP/1.1\r\n\(host)\(host)\r\n", words: "Host"),
    Bad(
      name: "length and chunks",
      text: "POST /healthz HTTP/1.1\r\n\(host)Content-Length: 5\r\n"
        + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      words: "length"
    ),
    Bad(
      name: "two lengths",
      text: "POST /healthz HTTP/1.1\r\n\(host)Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
      words: "length"
    ),
    Bad(
      name: "negative length",
      text: "POST /healthz HTTP/1.1\r\n\(host)Content-Length: -5\r\n\r\n",
      words: "length"
    ),
    Bad(
      name: "chunks in HTTP/1.0",
      text: "POST /healthz HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      words: "length"
    ),
    Bad(
      name: "100 KiB of headers",
      text: "GET /healthz HTTP/1.1\r\n\(host)"
        + String(repeating: "A: \(String(repeating: "b", count: 1000))\r\n", count: 100) + "\r\n",
      status: 431,
      words: "larger than \(Limits.headerListBytes) bytes"
    ),
    Bad(
      name: "one header of 100 KiB",
      text: "GET /healthz HTTP/1.1\r\n\(host)A: \(String(repeating: "b", count: 102_400))\r\n\r\n",
      status: 431,
      words: "larger than"
    ),
    Bad(
      name: "very long URI",
      text: "GET /\(String(repeating: "a", count: 102_400)) HTTP/1.1\r\n\(host)\r\n",
      status: 431,
      words: "larger than"
    ),
    Bad(
      name: "too many headers",
      text: "GET /healthz HTTP/1.1\r\n\(host)" + String(repeating: "A: b\r\n", count: 101) + "\r\n",
      status: 431,
      words: "larger than"
    ),
  ]

  @Test(arguments: bad) func `What isn't a request is answered with a problem, and the end`(
    _ bad: Bad
  ) async throws {
    try await World.live { _, connection in
      let answers = try await connection.answers(to: bad.text)
      try #require(answers.count == 1)
      let answer = answers[0]
      #expect(answer.status == bad.status, "\(answer)")
      #expect(answer.version == "HTTP/1.1")
      #expect(answer.code == "invalid_request")
      #expect(answer.json?["title"] == .string("Invalid request"))
      #expect(answer.json?["detail"] == .string("The request body failed validation."))
      #expect(answer.json?["status"] == .number("\(bad.status)"))
      #expect(answer.json?["instance"] == .string("/"))
      #expect(answer.fault?["pointer"] == .string(""))
      #expect(
        answer.fault?["code"] == .string(bad.status == 431 ? "too_long" : "invalid_value")
      )
      #expect(answer.fault?["detail"]?.text?.contains(bad.words) == true, "\(answer.body)")
      #expect(answer.headers["content-type"] == "application/problem+json")
      #expect(answer.headers["connection"] == "close")
      #expect(answer.headers["x-content-type-options"] == "nosniff")
      #expect(answer.headers["date"] != nil && answer.headers["server"] == nil)
      let id = try #require(answer.headers["x-request-id"])
      #expect(RequestID(id) != nil && answer.json?["requestId"] == .string(id))
    }
  }

  @Test func `Garbage behind a request is answered behind its answer`() async throws {
    try await World.live { world, connection in
      let answers = try await connection.answers(
        to: """
          GET /api/v2/vps HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(world.key)\r\n\r\n\
          HEAD /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc\
          GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n\
          garbage garbage garbage\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n
          """.replacing("HEAD", with: "GET")
      )
      #expect(answers.map(\.status) == [200, 200, 404, 400])
      #expect(answers.map { $0.headers["connection"] } == [nil, nil, nil, "close"])
    }
  }

  @Test(arguments: [
    "GET /heal", "GET /healthz HTTP/1.1\r\nHo", "POST / HTTP/1.1\r\nHost: x\r\n",
  ])
  func `A request that ends in its head is told so`(_ text: String) async throws {
    try await World.live { _, connection in
      let answers = try await connection.answers(to: text, thenFinish: true)
      #expect(answers.map(\.status) == [400])
      #expect(answers[0].fault?["detail"]?.text?.contains("before it was complete") == true)
    }
  }

  @Test func `Faults in a body are answered`() async throws {
    try await World.live { world, connection in
      let head = """
        POST /api/v2/vps/\(world.target.id)/backups/actions/restore-from-vps HTTP/1.1\r\n\
        Host: x\r\nAuthorization: Bearer \(world.key)\r\nContent-Type: application/json\r\n
        """
      let bodies: [(text: String, words: String)] = [
        ("Transfer-Encoding: chunked\r\n\r\nnonsense\r\n", "length"),
        ("Transfer-Encoding: chunked\r\n\r\n5\r\nabcdefgh", "length"),
        ("Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", "length"),
      ]
      for (text, words) in bodies {
        let answers = try await connection.answers(to: head + text)
        #expect(answers.map(\.status) == [400], "\(text)")
        #expect(answers.first?.code == "invalid_request")
        #expect(answers.first?.headers["connection"] == "close")
        #expect(answers.first?.fault?["detail"]?.text?.contains(words) == true)
      }
      let cut = try await connection.answers(
        to: head + "Content-Length: 50\r\n\r\n{",
        thenFinish: true
      )
      #expect(cut.map(\.status) == [400])
      let bytes = Array((head + "Content-Length: 4\r\nConnection: close\r\n\r\n").utf8)
      let answers = try RawAnswer.all(in: await connection.send(bytes + [0x22, 0xFF, 0xFE, 0x22]))
      #expect(answers.map(\.status) == [400])
      #expect(answers.first?.fault?["detail"] == .string("The body is not UTF-8 text."))
    }
  }

  @Sendable private static func hasty(_ configuration: inout APIConfiguration) {
    // Another deadline would come too late for the test.
    configuration.connections.idle = .seconds(3600)
    configuration.connections.head = .milliseconds(200)
    configuration.connections.body = .milliseconds(200)
  }

  @Test(arguments: ["G", "GET /healthz HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: x\r\nA: b"])
  func `A slow head is a 408`(_ text: String) async throws {
    try await World.live(configure: Self.hasty) { _, connection in
      let answers = try await connection.answers(to: text)
      #expect(answers.map(\.status) == [408])
      #expect(answers[0].code == "request_timeout")
      #expect(answers[0].headers["connection"] == "close")
      #expect(answers[0].headers["x-request-id"] != nil)
    }
  }

  @Test func `A slow body is a 408`() async throws {
    try await World.live(configure: Self.hasty) { world, connection in
      let answers = try await connection.answers(
        to: """
          POST /api/v2/vps/\(world.target.id)/backups HTTP/1.1\r\nHost: x\r\n\
          Authorization: Bearer \(world.key)\r\nContent-Length: 20\r\n\
          Content-Type: application/json\r\n\r\n{
          """
      )
      #expect(answers.map(\.status) == [408])
      #expect(answers[0].code == "request_timeout")
      #expect(answers[0].json?["instance"]?.text?.hasPrefix("/api/v2/vps/") == true)
      #expect(answers[0].headers["connection"] == "close")
    }
  }

  @Test func `A connection without a request is closed in silence`() async throws {
    try await World.live(configure: { $0.connections.idle = .milliseconds(200) }) { _, connection in
      let silence = try await connection.send([])
      #expect(silence.isEmpty)
      // On a busy machine a connection can be older than that before its request is read.
      var statuses: [Int] = []
      for _ in 0..<20 where statuses.isEmpty {
        let request = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        statuses = (try? await connection.answers(to: request))?.map(\.status) ?? []
      }
      #expect(statuses == [200])
    }
  }
}
