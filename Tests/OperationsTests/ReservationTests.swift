import Catalog
import Model
import Operations
import Testing

/// Host space is promised once.
struct ReservationTests {
  private static let gib: Int64 = 1 << 30

  /// Puts a VPS's disk onto a file system.
  private func place(
    _ vps: VPS,
    on fileSystem: String?,
    free: Int64,
    in world: OperationsWorld
  ) async throws {
    var seen = OperationsWorld.observation()
    seen.disks[0].fileSystem = fileSystem
    seen.disks[0].freeBytes = free
    let observation = seen
    try await world.catalog.write { try $0.setObservation(observation, of: vps.id) }
  }

  private func restore(
    _ backup: Backup,
    onto target: VPS,
    of source: VPS,
    in world: OperationsWorld
  ) async throws -> Job {
    try await world.operations.perform(
      world.operations.restoreFromVPS(
        world.caller(of: target),
        RestoreRequest(
          target: target.id.text,
          source: source.id.text,
          backup: backup.id.text
        )
      )
    )
  }

  private func isShort(_ error: any Error) -> Bool {
    guard case .invalidRequest(let faults)? = error as? Refusal else { return false }
    return faults.map(\.code) == [.insufficientStorage]
  }

  @Test func `two restores that fit alone and not together are not both accepted`() async throws {
    try await OperationsWorld.with { world in
      let (first, second) = (world.target, world.source)
      for vps in [first, second] {
        try await place(vps, on: "f", free: Self.gib * 3 / 2, in: world)
      }
      let ofSecond = try await world.addBackup(of: second, size: Self.gib)
      let ofFirst = try await world.addBackup(of: first, size: Self.gib)
      let job = try await restore(ofSecond, onto: first, of: second, in: world)
      await #expect(throws: Refusal.self) {
        do {
          _ = try await restore(ofFirst, onto: second, of: first, in: world)
        } catch {
          #expect(isShort(error))
          throw error
        }
      }
      let caller = world.caller(of: second)
      let sources = try await world.operations.restoreSources(caller, for: second.id.text).items
      #expect(sources.first?.choices.first?.restorable.allowed == false)
      _ = try await world.operations.perform(world.operations.cancelJob(caller, job.id.text))
      _ = try await restore(ofFirst, onto: second, of: first, in: world)
    }
  }

  @Test func `the room of a clone's guest is nobody else's as long as the former disk is kept`()
    async throws
  {
    try await OperationsWorld.with { world in
      let (first, second) = (world.target, world.source)
      for vps in [first, second] {
        try await place(vps, on: "f", free: Self.gib * 3 / 2, in: world)
      }
      let backup = try await world.addBackup(of: second, size: Self.gib)
      let ofFirst = try await world.addBackup(of: first, size: Self.gib)
      let old = try await restore(ofFirst, onto: second, of: first, in: world)
      let caller = world.caller(of: second)
      _ = try await world.operations.perform(world.operations.cancelJob(caller, old.id.text))
      let undo = UndoRecord(
        vpsID: second.id,
        restoreJobID: old.id,
        until: Timestamp(milliseconds: 1),
        detail: #"{"disks":[],"sharedBytes":805306368}"#,
        sizeBytes: 0
      )
      try await world.catalog.write { try $0.insert(undo) }
      await #expect(throws: Refusal.self) {
        do {
          _ = try await restore(backup, onto: first, of: second, in: world)
        } catch {
          #expect(isShort(error))
          throw error
        }
      }
      try await world.catalog.write { try $0.deleteUndo(of: second.id) }
      _ = try await restore(backup, onto: first, of: second, in: world)
    }
  }

  @Test func `another file system's promises don't count`() async throws {
    try await OperationsWorld.with { world in
      let (first, second) = (world.target, world.source)
      try await place(first, on: "f", free: Self.gib * 3 / 2, in: world)
      try await place(second, on: "g", free: Self.gib * 3 / 2, in: world)
      let ofSecond = try await world.addBackup(of: second, size: Self.gib)
      let ofFirst = try await world.addBackup(of: first, size: Self.gib)
      _ = try await restore(ofSecond, onto: first, of: second, in: world)
      _ = try await restore(ofFirst, onto: second, of: first, in: world)
    }
  }
}
