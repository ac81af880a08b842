import Catalog
import Model
import Operations
import TestSupport
import Testing

/// Every use case that changes something is in the audit log, and one that is refused isn't.
@Suite struct AuditTests {
  /// A use case with the action that it is logged as.
  struct Mutation: Sendable, CustomTestStringConvertible {
    var action: String
    var run: @Sendable (OperationsWorld, Caller) async throws -> Void

    var testDescription: String { action }
  }

  private static let wait = ServiceChangeWait(bound: .zero) {}

  static let mutations: [Mutation] = [
    Mutation(action: "client.create") { world, caller in
      _ = try await world.operations.createClient(caller, name: "new")
    },
    Mutation(action: "client.delete") { world, caller in
      _ = try await world.operations.createClient(caller, name: "new")
      try await world.operations.deleteClient(caller, "new")
    },
    Mutation(action: "key.create") { world, caller in
      _ = try await world.key(caller)
    },
    Mutation(action: "key.roll") { world, caller in
      let key = try await world.key(caller)
      _ = try await world.operations.rollKey(caller, key.id.text, grace: .zero)
    },
    Mutation(action: "key.revoke") { world, caller in
      let key = try await world.key(caller)
      _ = try await world.operations.revokeKey(caller, key.id.text)
    },
    Mutation(action: "vps.add") { world, caller in
      _ = try await world.operations.addVPS(
        caller,
        VPSRegistration(
          client: "acme",
          node: "local",
          domainName: "new",
          domainUUID: "new",
          name: "new"
        ),
        observed: OperationsWorld.observation()
      )
    },
    Mutation(action: "vps.edit") { world, caller in
      _ = try await world.operations.editVPS(
        caller,
        world.target.id.text,
        VPSChanges(name: "renamed")
      )
    },
    Mutation(action: "vps.suspended") { world, caller in
      _ = try await world.operations.suspendVPS(caller, world.target.id.text, wait: wait)
    },
    Mutation(action: "vps.resume") { world, caller in
      _ = try await world.operations.resumeVPS(caller, world.target.id.text)
    },
    Mutation(action: "vps.terminated") { world, caller in
      _ = try await world.operations.terminateVPS(caller, world.target.id.text, wait: wait)
    },
    Mutation(action: "backup.accept") { world, caller in
      _ = try await world.operations.perform(
        world.operations.createBackup(caller, of: world.target.id.text)
      )
    },
    Mutation(action: "backup.delete") { world, caller in
      let backup = try await world.addBackup(of: world.source)
      try await world.operations.deleteBackup(caller, backup.id.text)
    },
    Mutation(action: "restore.accept") { world, caller in
      let backup = try await world.addBackup(of: world.source)
      _ = try await world.operations.perform(
        world.operations.restoreFromVPS(caller, world.request(backup))
      )
    },
    Mutation(action: "job.cancel") { world, caller in
      let job = try await world.operations.perform(
        world.operations.createBackup(caller, of: world.target.id.text)
      )
      _ = try await world.operations.perform(world.operations.cancelJob(caller, job.id.text))
    },
    Mutation(action: "power.shutdown") { try await $0.changePower($1, .shutdown) },
    Mutation(action: "power.stop") { try await $0.changePower($1, .stop) },
    Mutation(action: "power.restart") { try await $0.changePower($1, .restart) },
    Mutation(action: "power.reset") { try await $0.changePower($1, .reset) },
    Mutation(action: "datastore.collect") { world, caller in
      _ = try await world.operations.collectGarbage(caller, node: "local")
    },
    Mutation(action: "datastore.verify") { world, caller in
      _ = try await world.operations.verifyBackups(caller, node: "local")
    },
    Mutation(action: "schedule.add") { world, caller in _ = try await world.schedule(caller) },
    Mutation(action: "schedule.edit") { world, caller in
      let id = try await world.schedule(caller).id.text
      _ = try await world.operations.editSchedule(
        caller,
        id,
        of: world.target.id.text,
        ScheduleChanges(isEnabled: false)
      )
    },
    Mutation(action: "schedule.remove") { world, caller in
      let id = try await world.schedule(caller).id.text
      _ = try await world.operations.removeSchedule(caller, id, of: world.target.id.text)
    },
    Mutation(action: "job.limit") { world, caller in
      let job = try await world.operations.perform(
        world.operations.createBackup(caller, of: world.target.id.text)
      )
      _ = try await world.operations.limitJob(caller, job.id.text) { $0.bytesPerSecond = 1 << 20 }
    },
    Mutation(action: "restore.undo") { world, caller in
      let backup = try await world.addBackup(of: world.source)
      let job = try await world.operations.perform(
        world.operations.restoreFromVPS(caller, world.request(backup))
      )
      _ = try await world.operations.perform(world.operations.cancelJob(caller, job.id.text))
      let record = UndoRecord(
        vpsID: world.target.id,
        restoreJobID: job.id,
        until: SystemWallClock().now().advanced(by: .seconds(3600)),
        detail: "{}",
        sizeBytes: 1
      )
      try await world.catalog.write { try $0.insert(record) }
      _ = try await world.operations.perform(world.operations.undoRestore(caller, job.id.text))
    },
  ]

  @Test(arguments: mutations) func `What is changed is logged, with who and from where`(
    _ mutation: Mutation
  ) async throws {
    try await OperationsWorld.with { world in
      let caller = Caller(
        identity: .system("root"),
        address: "192.0.2.1",
        requestID: world.operations.identifiers.make()
      )
      try await mutation.run(world, caller)
      let newest = try await world.operations.auditRecords(AuditFilter(limit: 1))
      let entry = try #require(newest.first?.entry)
      #expect(entry.action == mutation.action)
      #expect(entry.actor == "operator:root")
      #expect(entry.address == "192.0.2.1")
      #expect(entry.requestID == caller.requestID)
    }
  }

  @Test func `a node is logged when it is new or has moved, not at each start`() async throws {
    try await OperationsWorld.with { world in
      try await world.operations.registerNode(name: "local", uri: "test:///default")
      try await world.operations.registerNode(name: "local", uri: "test:///other")
      let entries = try await world.operations.auditRecords(AuditFilter(action: "node.register"))
      #expect(entries.map(\.entry.detail) == ["test:///other", "test:///default"])
      #expect(entries.map(\.entry.actor) == ["worker:local", "worker:local"])
    }
  }

  @Test func `what is refused is not logged`() async throws {
    try await OperationsWorld.with { world in
      let before = try await world.operations.auditRecords(AuditFilter()).count
      await #expect(throws: Refusal.notFound) {
        _ = try await world.operations.perform(
          world.operations.createBackup(
            world.caller(of: world.foreign),
            of: world.target.id.text
          )
        )
      }
      #expect(try await world.operations.auditRecords(AuditFilter()).count == before)
    }
  }
}

extension OperationsWorld {
  fileprivate func changePower(_ caller: Caller, _ action: PowerAction) async throws {
    _ = try await operations.perform(
      operations.changePower(caller, of: target.id.text, PowerTask(action: action))
    )
  }

  /// A daily schedule of the target.
  fileprivate func schedule(_ caller: Caller) async throws -> BackupSchedule {
    try await operations.perform(
      operations.addSchedule(
        caller,
        of: target.id.text,
        ScheduleRequest(
          name: nil,
          timing: ScheduleTiming(frequency: .daily, hour: 3),
          retentionCount: 7,
          isEnabled: true
        )
      )
    ).schedule
  }

  /// A key of the first client.
  fileprivate func key(_ caller: Caller) async throws -> APIKey {
    try await operations.createKey(
      caller,
      client: "acme",
      scopes: [.readVM],
      lifetime: nil
    ).key
  }
}
