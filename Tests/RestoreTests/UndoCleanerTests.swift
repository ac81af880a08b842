import Catalog
import Foundation
import Model
import TestSupport
import Testing

@testable import Restore

/// What is kept of former disks, and until when.
@Suite(.scratchDirectory) struct UndoCleanerTests {
  @Test func `what is left of a former disk stays while an operator must look`() async throws {
    let fixture = CatalogFixture(
      catalog: try SQLiteCatalog(path: "\(ScratchDirectory.path)/catalog.sqlite")
    )
    let vps = try await fixture.vps(of: fixture.client())
    let path = "\(ScratchDirectory.path)/undo.log"
    try Data([1]).write(to: URL(filePath: path))
    var made = fixture.unstoredJob(of: vps)
    made.state = .failed
    made.needsOperator = true
    let job = made
    let record = UndoRecord(
      vpsID: vps.id,
      restoreJobID: job.id,
      until: fixture.clock.now(),
      detail: JournalText.of(
        UndoDetail(
          disks: [
            StagedDisk(
              device: "vda",
              archive: nil,
              currentPath: "/d",
              stagedPath: path,
              format: "raw",
              sizeBytes: 1
            )
          ],
          seed: SeedChange(device: "vdb", before: nil, after: nil, path: nil),
          isInPlace: true
        )
      ),
      sizeBytes: 1
    )
    try await fixture.catalog.write { transaction in
      try transaction.insert(job)
      try transaction.insert(record)
    }
    let cleaner = UndoCleaner(
      catalog: fixture.catalog,
      seedsDirectory: ScratchDirectory.path,
      logger: .quiet
    )
    let later = fixture.clock.now().advanced(by: .seconds(60))
    await cleaner.removeExpired(node: CatalogFixture.node, at: later)
    #expect(FileManager.default.fileExists(atPath: path))
    #expect(try await fixture.catalog.write { try $0.settle(job.id) })
    await cleaner.removeExpired(node: CatalogFixture.node, at: later)
    #expect(!FileManager.default.fileExists(atPath: path))
    #expect(try await fixture.catalog.read { try $0.undo(of: vps.id) } == nil)
  }
}
