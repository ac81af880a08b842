package import Catalog
import Disks
package import Logging
package import Model

/// Removes former disks and seeds when their time is over.
package struct UndoCleaner: Sendable {
  private let catalog: any Catalog
  private let seedsDirectory: String
  private let logger: Logger

  /// Makes a cleaner of one node's undo disks.
  package init(catalog: any Catalog, seedsDirectory: String, logger: Logger) {
    self.catalog = catalog
    self.seedsDirectory = seedsDirectory
    self.logger = logger
  }

  /// Removes everything whose time is over, but for VPSs that a data job works on or an operator
  /// must look at: the former disk may be all that is whole.
  package func removeExpired(node: String, at now: Timestamp) async {
    do throws(CatalogFault) {
      let expired = try await catalog.read { transaction in
        try transaction.expiredUndos(node: node, at: now).filter {
          let standing = try transaction.standing(of: $0.vpsID)
          return standing.dataJobID == nil && standing.unsettledJobID == nil
        }
      }
      for record in expired { await dropLogged(record) }
    } catch {
      logger.warning("expired undo disks not listed", metadata: ["error": "\(error)"])
    }
  }

  private func dropLogged(_ record: UndoRecord) async {
    do throws(StepStop) {
      try await drop(record)
      logger.notice("undo disk removed", metadata: ["vps.id": "\(record.vpsID)"])
    } catch {
      logger.error(
        "undo disk not removed",
        metadata: ["vps.id": "\(record.vpsID)", "error": "\(error)"]
      )
    }
  }

  /// Files first, row last: a crash between leaves a row that leads here again.
  func drop(_ record: UndoRecord) async throws(StepStop) {
    guard let detail: UndoDetail = RestoreJournal.decode(record.detail) else {
      throw .operatorNeeded("The undo record can't be read.")
    }
    if let former = detail.former { try await drop(former.record(of: record.vpsID)) }
    try await removeFiles(of: record, detail)
    let (id, job) = (record.vpsID, record.restoreJobID)
    try await fromCatalog { () async throws(CatalogFault) in
      try await catalog.write { transaction in
        // A restore may have ended meanwhile, or stand in for this one, with a record of its own.
        if try transaction.undo(of: id)?.restoreJobID == job { try transaction.deleteUndo(of: id) }
        if detail.isInPlace == true { try transaction.releaseHolds(of: job) }
      }
    }
  }

  private func removeFiles(
    of record: UndoRecord,
    _ detail: UndoDetail
  ) async throws(StepStop) {
    for disk in detail.disks where detail.isInPlace == true {
      try await fromDisks { () async throws(DiskError) in
        try await FileRemoval.remove(disk.stagedPath)
      }
    }
    for disk in detail.disks where detail.isInPlace != true {
      let stamp = Stamp(role: .old, job: record.restoreJobID.text, disk: disk.device)
      _ = try await fromDisks { () async throws(DiskError) in
        try await Stage.discard(disk.stagedPath, expecting: stamp)
      }
    }
    if let copy = detail.nvram?.copy {
      try await fromDisks { () async throws(DiskError) in try await FileRemoval.remove(copy) }
    }
    if let before = detail.seed.before, let path = SeedDevice.sourcePath(of: before),
      path.hasPrefix(seedsDirectory + "/")
    {
      // With its row gone nobody would know of it.
      try await fromDisks { () async throws(DiskError) in try await FileRemoval.remove(path) }
    }
  }
}
