import Foundation
import Glibc
import TestSupport
import Testing

/// The node's limits, changed under a server that runs.
@Suite(.scratchDirectory, .timeLimit(.minutes(5))) struct LimitsReloadTests {
  private static func write(_ yaml: String, to path: String) throws {
    try Data(yaml.utf8).write(to: URL(filePath: path), options: .atomic)
  }

  @Test func `limits are read again at SIGHUP, a bad configuration is told and changes nothing`()
    async throws
  {
    let path = "\(ScratchDirectory.path)/rehome.yaml"
    try Self.write("worker:\n  concurrency: 2\nbackup:\n  rate: 50M\n", to: path)
    try await Server.with(
      below: ScratchDirectory.path,
      libvirtURI: "test:///default",
      variables: ["REHOME_CONFIG": path]
    ) { server in
      try await server.listen()
      try Self.write("worker:\n  concurrency: 0\nbackup:\n  rate: 1M\n", to: path)
      try await server.signal(SIGHUP)
      try await poll("the bad configuration is told") {
        server.log().contains("limits kept") ? true : nil
      }
      #expect(!server.log().contains("limits read again"))
      try Self.write("worker:\n  concurrency: 3\nbackup:\n  ioPriority: idle\n", to: path)
      try await server.signal(SIGHUP)
      try await poll("the limits are read again") {
        server.log().contains("limits read again") ? true : nil
      }
      #expect(
        server.log().contains("worker.concurrency=3 backup.rate=none backup.ioPriority=idle")
      )
      #expect(try await server.stop() == 0)
    }
  }

  @Test func `a port that is taken is named, and the settings that say where`() async throws {
    try await Server.with(
      below: ScratchDirectory.path,
      libvirtURI: "test:///default",
      variables: ["REHOME_WORKER_ENABLED": "false"]
    ) { server in
      try await server.listen()
      let port = try #require(server.base()?.split(separator: ":").last)
      let outcome = try await server.program.run("serve", "--set", "api.port=\(port)")
      #expect(outcome.status == 5)
      #expect(outcome.errors.contains("127.0.0.1, port \(port)"), "\(outcome)")
      #expect(outcome.errors.contains("api.port"))
    }
  }
}
