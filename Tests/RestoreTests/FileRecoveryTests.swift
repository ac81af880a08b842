import Catalog
import Disks
import Foundation
import Model
import TestSupport
import Testing

@testable import Restore

/// What is done about disks before libvirt starts.
@Suite(.scratchDirectory)
struct FileRecoveryTests {
  private let exchange = RenameExchange()
  private let fixture: CatalogFixture

  init() throws {
    fixture = CatalogFixture(
      catalog: try SQLiteCatalog(path: "\(ScratchDirectory.path)/catalog.sqlite")
    )
  }

  /// Two disks with their stages, marked, of which the first `moved` are exchanged.
  private func disks(moved: Int, job: JobID) async throws -> StageRecord {
    var disks: [StagedDisk] = []
    for device in ["vda", "vdb"] {
      let path = "\(ScratchDirectory.path)/\(device).raw"
      try Data("old \(device)".utf8).write(to: URL(filePath: path))
      let stage = try await Stage.create(
        beside: path,
        format: .raw,
        virtualSize: 7,
        job: job.text,
        disk: device
      )
      disks.append(
        StagedDisk(
          device: device,
          archive: nil,
          currentPath: path,
          stagedPath: stage.path,
          format: "raw",
          sizeBytes: 7
        )
      )
    }
    let record = StageRecord(disks: disks, stampJobID: job.text)
    try await ImageLock.withExclusive(record.pairs.flatMap { [$0.current, $0.staged] }) {
      lock throws(DiskError) in
      try await exchange.prepare(record.pairs, holding: lock)
      for pair in record.pairs.prefix(moved) {
        try await exchange.exchange(pair, holding: lock)
      }
    }
    return record
  }

  /// A job on which a worker was at work, with these rows in its journal.
  private func job(
    undoes: Bool = false,
    moved: Int,
    _ rows: [(RestoreStep, StepPhase)]
  ) async throws -> StageRecord {
    let vps = try await fixture.vps(of: fixture.client())
    let backup = try await fixture.backup(of: vps)
    var job = fixture.unstoredJob(of: vps)
    job.task =
      undoes
      ? .undo(UndoTask(restoreJobID: job.id))
      : .restore(RestoreTask(sourceVPSID: vps.id, backupID: backup.id))
    let stored = job
    try await fixture.catalog.write { try $0.insert(stored) }
    let lease = try #require(try await fixture.claim())
    let record = try await disks(moved: moved, job: job.id)
    let now = fixture.clock.now()
    for (step, phase) in [(.stage, .begun)] + rows {
      let detail = step == .stage ? JournalText.of(record) : "{}"
      try await fixture.catalog.write {
        _ = try $0.appendStep(
          name: step.rawValue,
          phase: phase,
          detail: detail,
          at: now,
          lease: lease
        )
      }
    }
    return record
  }

  private func recover() async throws -> [FileRecovery.Outcome] {
    try await FileRecovery(catalog: fixture.catalog, node: CatalogFixture.node).run().map(\.outcome)
  }

  private func states(_ record: StageRecord) async throws -> [ExchangeState] {
    var states: [ExchangeState] = []
    for pair in record.pairs { states.append(try await exchange.state(of: pair)) }
    return states
  }

  @Test func `disks that a crash left half exchanged are made whole without libvirt`() async throws
  {
    let record = try await job(moved: 1, [(.swap, .begun)])
    #expect(try await recover() == [.moved(1)])
    #expect(try await states(record) == [.done, .done])
    #expect(try await recover() == [.whole])
  }

  @Test func `a rollback that a crash left half done brings all former disks back`() async throws {
    let record = try await job(moved: 1, [(.swap, .begun), (.rollback, .begun)])
    #expect(try await recover() == [.moved(1)])
    #expect(try await states(record) == [.notDone, .notDone])
  }

  @Test func `an undo goes the other way`() async throws {
    let record = try await job(undoes: true, moved: 1, [(.swap, .begun)])
    #expect(try await recover() == [.moved(1)])
    #expect(try await states(record) == [.notDone, .notDone])
  }

  @Test(arguments: [0, 2])
  func `disks that belong together are left to the worker`(_ moved: Int) async throws {
    let record = try await job(moved: moved, [(.swap, .begun)])
    let before = try await states(record)
    #expect(try await recover() == [.whole])
    #expect(try await states(record) == before)
  }

  @Test func `where no exchange was under way nothing is looked at`() async throws {
    _ = try await job(moved: 1, [(.swap, .begun), (.swap, .done)])
    #expect(try await recover().isEmpty)
  }

  @Test func `a disk without a stamp is left as it is, with its neighbours`() async throws {
    let record = try await job(moved: 1, [(.swap, .begun)])
    try FileManager.default.removeItem(atPath: record.disks[1].currentPath)
    try Data("foreign".utf8).write(to: URL(filePath: record.disks[1].currentPath))
    guard case .unclear? = try await recover().first else {
      Issue.record("moved")
      return
    }
    #expect(try await states(record) == [.done, .unknown])
  }

  @Test func `a machine that runs keeps its disks`() async throws {
    let record = try await job(moved: 1, [(.swap, .begun)])
    // As QEMU has them.
    let lock = try await ImageLock.exclusive([record.disks[1].currentPath])
    defer { lock.release() }
    guard case .unclear? = try await recover().first else {
      Issue.record("moved")
      return
    }
    #expect(try await states(record) == [.done, .notDone])
  }
}
