import Catalog
import Model
import Operations
import TestSupport
import Testing

@Suite struct OperationsTests {
  @Test func `an accepted restore has its job, its hold and its audit row`() async throws {
    try await OperationsWorld.with { world in
      let backup = try await world.addBackup(of: world.source)
      let job = try await world.operations.perform(
        world.operations.restoreFromVPS(
          world.caller(of: world.target),
          world.request(backup)
        )
      )
      #expect(job.state == .queued)
      let (holders, audit) = try await world.catalog.read {
        (try $0.holders(of: backup.id), try $0.auditEntries(limit: 1))
      }
      #expect(holders == [job.id])
      #expect(audit.first?.action == "restore.accept")
      await #expect(throws: Refusal.backupInUse) {
        try await world.operations.deleteBackup(world.caller(of: world.source), backup.id.text)
      }
    }
  }

  @Test func `a second job on the same target is refused with the first one's name`() async throws {
    try await OperationsWorld.with { world in
      let backup = try await world.addBackup(of: world.source)
      let caller = world.caller(of: world.target)
      let job = try await world.operations.perform(
        world.operations.restoreFromVPS(caller, world.request(backup))
      )
      await #expect(throws: Refusal.vpsNotReady(.jobInFlight, jobID: job.id)) {
        _ = try await world.operations.perform(
          world.operations.restoreFromVPS(caller, world.request(backup))
        )
      }
    }
  }

  @Test func `another client's target, source and backup are not found`() async throws {
    try await OperationsWorld.with { world in
      let backup = try await world.addBackup(of: world.source)
      let foreignBackup = try await world.addBackup(of: world.foreign)
      let caller = world.caller(of: world.target)
      let requests = [
        RestoreRequest(
          target: world.foreign.id.text,
          source: world.source.id.text,
          backup: backup.id.text
        ),
        RestoreRequest(
          target: world.target.id.text,
          source: world.foreign.id.text,
          backup: foreignBackup.id.text
        ),
        RestoreRequest(
          target: world.target.id.text,
          source: world.source.id.text,
          backup: foreignBackup.id.text
        ),
      ]
      for request in requests {
        await #expect(throws: Refusal.notFound) {
          _ = try await world.operations.perform(world.operations.restoreFromVPS(caller, request))
        }
      }
      // An operator sees all, but can't give one client's data to another either.
      await #expect(throws: Refusal.notFound) {
        _ = try await world.operations.perform(
          world.operations.restoreFromVPS(
            OperationsWorld.operatorCaller,
            requests[1]
          )
        )
      }
    }
  }

  @Test func `a backup larger than the target's disk is refused with both sizes`() async throws {
    try await OperationsWorld.with { world in
      let backup = try await world.addBackup(of: world.source, size: 2 << 30)
      let refusal = await #expect(throws: Refusal.self) {
        _ = try await world.operations.perform(
          world.operations.restoreFromVPS(
            world.caller(of: world.target),
            world.request(backup)
          )
        )
      }
      guard case .invalidRequest(let faults) = refusal else {
        Issue.record("\(String(describing: refusal))")
        return
      }
      #expect(faults.map(\.code) == [.insufficientStorage])
      #expect(faults.first?.pointer == "/backupId")
    }
  }

  @Test func `a terminated source's backups are retained and can be restored`() async throws {
    try await OperationsWorld.with { world in
      let backup = try await world.addBackup(of: world.source)
      let wait = ServiceChangeWait(bound: .seconds(1)) {}
      _ = try await world.operations.terminateVPS(
        OperationsWorld.operatorCaller,
        world.source.id.text,
        wait: wait
      )
      let caller = world.caller(of: world.target)
      let sources = try await world.operations.restoreSources(caller, for: world.target.id.text)
        .items
      #expect(sources.map(\.isRetained) == [true])
      #expect(sources.first?.choices.map(\.backup.id) == [backup.id])
      let job = try await world.operations.perform(
        world.operations.restoreFromVPS(caller, world.request(backup))
      )
      #expect(job.state == .queued)
    }
  }

  @Test func `suspending cancels a queued restore, and a suspended target takes no new one`()
    async throws
  {
    try await OperationsWorld.with { world in
      let backup = try await world.addBackup(of: world.source)
      let caller = world.caller(of: world.target)
      let job = try await world.operations.perform(
        world.operations.restoreFromVPS(caller, world.request(backup))
      )
      _ = try await world.operations.suspendVPS(
        OperationsWorld.operatorCaller,
        world.target.id.text,
        wait: ServiceChangeWait(bound: .seconds(1)) {}
      )
      #expect(try await world.operations.job(caller, job.id.text).state == .cancelled)
      #expect(try await world.catalog.read { try $0.holders(of: backup.id) }.isEmpty)
      await #expect(throws: Refusal.vpsNotReady(.notActive, jobID: nil)) {
        _ = try await world.operations.perform(
          world.operations.restoreFromVPS(caller, world.request(backup))
        )
      }
      _ = try await world.operations.resumeVPS(
        OperationsWorld.operatorCaller,
        world.target.id.text
      )
      _ = try await world.operations.perform(
        world.operations.restoreFromVPS(caller, world.request(backup))
      )
    }
  }

  @Test func `suspending waits for a restore past its swap`() async throws {
    try await OperationsWorld.with { world in
      let backup = try await world.addBackup(of: world.source)
      let caller = world.caller(of: world.target)
      let job = try await world.operations.perform(
        world.operations.restoreFromVPS(caller, world.request(backup))
      )
      let now = SystemWallClock().now()
      _ = try await world.catalog.write { transaction in
        let lease = Lease(jobID: job.id, token: "t", until: now.advanced(by: .seconds(60)))
        _ = try transaction.claimJob(
          node: "local",
          token: lease.token,
          now: now,
          leaseUntil: lease.until
        )
        return try transaction.appendStep(
          name: JournalStep.swap,
          phase: .begun,
          detail: "{}",
          at: now,
          lease: lease
        )
      }
      await #expect(throws: Refusal.jobNotCancellable) {
        _ = try await world.operations.perform(world.operations.cancelJob(caller, job.id.text))
      }
      await #expect(throws: Refusal.vpsNotReady(.jobInFlight, jobID: job.id)) {
        _ = try await world.operations.suspendVPS(
          OperationsWorld.operatorCaller,
          world.target.id.text,
          wait: ServiceChangeWait(bound: .zero) {}
        )
      }
    }
  }

  @Test func `an undo without a kept disk has expired`() async throws {
    try await OperationsWorld.with { world in
      let backup = try await world.addBackup(of: world.source)
      let caller = world.caller(of: world.target)
      let job = try await world.operations.perform(
        world.operations.restoreFromVPS(caller, world.request(backup))
      )
      _ = try await world.operations.perform(world.operations.cancelJob(caller, job.id.text))
      await #expect(throws: Refusal.undoExpired) {
        _ = try await world.operations.perform(world.operations.undoRestore(caller, job.id.text))
      }
    }
  }

  @Test func `pages cover every VPS once, and a foreign cursor is refused`() async throws {
    try await OperationsWorld.with { world in
      let caller = world.caller(of: world.source)
      let first = try await world.operations.listVPS(caller, limit: 1)
      let cursor = try #require(first.nextCursor)
      let second = try await world.operations.listVPS(caller, cursor: cursor, limit: 1)
      #expect(second.nextCursor == nil)
      #expect(
        Set((first.items + second.items).map(\.vps.id)) == [world.source.id, world.target.id]
      )
      await #expect(throws: Refusal.invalidCursor) {
        _ = try await world.operations.listVPS(caller, cursor: "nonsense")
      }
    }
  }

  @Test func `a backup's quota counts the one being made`() async throws {
    try await OperationsWorld.with { world in
      _ = try await world.operations.editVPS(
        OperationsWorld.operatorCaller,
        world.source.id.text,
        VPSChanges(backupLimit: .some(1))
      )
      let caller = world.caller(of: world.source)
      _ = try await world.operations.perform(
        world.operations.createBackup(caller, of: world.source.id.text, note: "x")
      )
      await #expect(throws: Refusal.backupQuotaExceeded(used: 1, limit: 1)) {
        _ = try await world.operations.perform(
          world.operations.createBackup(caller, of: world.source.id.text)
        )
      }
    }
  }
}
