import Catalog
import Model
import Operations
import TestSupport
import Testing

/// What a job that left a VPS to an operator keeps away from it, until he has looked.
@Suite struct SettlingTests {
  private static let failure = JobFailure(
    code: .workerLost,
    detail: "The worker was lost.",
    left: .needsOperator
  )

  /// A restore onto the target that ended so, with the hold that its worker leaves.
  private static func unsettled(_ world: OperationsWorld, _ backup: Backup) async throws -> Job {
    let job = try await world.operations.perform(
      world.operations.restoreFromVPS(OperationsWorld.operatorCaller, world.request(backup))
    )
    let now = SystemWallClock().now()
    try await world.catalog.write { transaction in
      let lease = Lease(jobID: job.id, token: "w", until: now.advanced(by: .seconds(30)))
      _ = try transaction.claimJob(
        node: "local",
        token: lease.token,
        now: now,
        leaseUntil: lease.until
      )
      _ = try transaction.finish(lease, state: .failed, result: nil, failure: failure, at: now)
    }
    return job
  }

  private static func ask(
    _ world: OperationsWorld,
    _ action: PowerAction
  ) async throws -> Job {
    try await world.operations.perform(
      world.operations.changePower(
        OperationsWorld.operatorCaller,
        of: world.target.id.text,
        PowerTask(action: action)
      )
    )
  }

  @Test func `nothing is done with disks that nobody knows, until an operator has looked`()
    async throws
  {
    try await OperationsWorld.with { world in
      let (operations, system) = (world.operations, OperationsWorld.operatorCaller)
      let backup = try await world.addBackup(of: world.source)
      let job = try await Self.unsettled(world, backup)
      let refusal = Refusal.vpsNotReady(.needsOperator, jobID: job.id)
      #expect(refusal.code == "vps_not_ready")
      let target = world.target.id.text
      await #expect(throws: refusal) {
        _ = try await operations.perform(operations.createBackup(system, of: target))
      }
      await #expect(throws: refusal) {
        _ = try await operations.perform(operations.restoreFromVPS(system, world.request(backup)))
      }
      await #expect(throws: refusal) { _ = try await Self.ask(world, .restart) }
      let view = try await operations.vps(system, target)
      #expect(view.unsettledJobID == job.id)
      let gates = view.gates
      for gate in [gates.canCreateBackup, gates.canRestore, gates.canRestoreFromAnotherVPS] {
        #expect(gate.code == "needs_operator")
      }
      #expect(gates.canStart.code == "needs_operator")
      #expect(gates.canStop.allowed && gates.canShutdown.allowed)
      // What it read may be all that the target can be put in order with.
      await #expect(throws: Refusal.backupInUse) {
        try await operations.deleteBackup(system, backup.id.text)
      }

      let resolved = try await operations.resolveJob(system, job.id.text)
      #expect(!resolved.needsOperator)
      #expect(resolved.failure?.left == .needsOperator, "what happened stays written")
      let entry = try await operations.auditRecords(AuditFilter(action: "job.resolve")).first
      #expect(entry?.entry.actor == "operator:test" && entry?.entry.subject == job.id.text)
      try await operations.deleteBackup(system, backup.id.text)
      let next = try await operations.perform(operations.createBackup(system, of: target))
      #expect(next.state == .queued)
    }
  }

  @Test func `only what waits for an operator can be resolved, and once`() async throws {
    try await OperationsWorld.with { world in
      let (operations, system) = (world.operations, OperationsWorld.operatorCaller)
      let job = try await Self.unsettled(world, try await world.addBackup(of: world.source))
      _ = try await operations.resolveJob(system, job.id.text)
      let power = try await Self.ask(world, .stop)
      for id in [job.id, power.id] {
        await #expect {
          _ = try await operations.resolveJob(system, id.text)
        } throws: { error in
          (error as? Refusal)?.code == "invalid_request"
        }
      }
      await #expect(throws: Refusal.notFound) {
        _ = try await operations.resolveJob(system, "job_none")
      }
    }
  }
}
