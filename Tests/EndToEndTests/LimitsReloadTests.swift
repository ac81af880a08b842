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

  @Test func `a backup that runs obeys a rate that is changed meanwhile`() async throws {
    let path = "\(ScratchDirectory.path)/rehome.yaml"
    // A chunk takes more than an hour at this rate.
    try Self.write("backup:\n  rate: 1K\n", to: path)
    let folder = ScratchDirectory.path
    try await withMicroGuest { guest in
      try await Server.with(
        below: guest.libvirt.folder,
        libvirtURI: guest.libvirt.uri,
        variables: ["REHOME_CONFIG": path]
      ) { server in
        try await server.start()
        let installation = try await Installation(on: server)
        let vps = try await installation.register(
          guest.name,
          network: "version: 2\nethernets:\n  wan:\n    dhcp4: true\n"
        )
        let job = try await server.program.run("backup", "create", vps, "--json")
          .decode(Identified.self).id
        func state() async throws -> String {
          try await server.program.run("job", "show", job, "--json").decode(JobPrint.self).state
        }
        try await poll("the backup runs") { try await state() == "running" ? true : nil }
        try await Task.sleep(for: .seconds(3))
        #expect(try await state() == "running")
        try Self.write("backup:\n  rate: none\n", to: "\(folder)/rehome.yaml")
        try await server.signal(SIGHUP)
        try await poll("the backup is done", within: .seconds(60)) {
          try await state() == "completed" ? true : nil
        }
      }
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
