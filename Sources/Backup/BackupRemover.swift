package import Catalog
package import Datastore
package import Logging
import Model

/// Removes the files of backups that were deleted, then their rows.
package struct BackupRemover: Sendable {
  private let catalog: any Catalog
  private let datastore: LocalDatastore
  private let node: String
  private let logger: Logger

  /// Makes a remover of the backups of one node's VPSs.
  package init(catalog: any Catalog, datastore: LocalDatastore, node: String, logger: Logger) {
    self.catalog = catalog
    self.datastore = datastore
    self.node = node
    self.logger = logger
  }

  /// Removes every backup that is being deleted, or that a job has left unfinished; one that fails is
  /// tried again next time.
  package func remove() async {
    await collectAbandoned()
    do throws(CatalogFault) {
      for backup in try await backups(in: .deleting) { try await remove(backup) }
    } catch {
      logger.warning("deleted backups not removed", metadata: ["error": "\(error)"])
    }
  }

  /// Marks backups as deleted that were never finished and that no job works on.
  ///
  /// What the catalog doesn't know is never touched: another program may be writing it.
  package func collectAbandoned() async {
    do throws(CatalogFault) {
      for backup in try await backups(in: .creating) where try await isAbandoned(backup) {
        try await catalog.write { transaction in
          guard try transaction.unfinishedJob(of: backup.vpsID, class: .data) == nil,
            var abandoned = try transaction.backup(backup.id), abandoned.state == .creating
          else { return }
          abandoned.state = .deleting
          try transaction.update(abandoned)
        }
      }
    } catch {
      logger.warning("abandoned backups not collected", metadata: ["error": "\(error)"])
    }
  }

  /// A look that costs no writing while a job is at work.
  private func isAbandoned(_ backup: Backup) async throws(CatalogFault) -> Bool {
    try await catalog.read { try $0.unfinishedJob(of: backup.vpsID, class: .data) == nil }
  }

  private func backups(in state: BackupState) async throws(CatalogFault) -> [Backup] {
    let node = node
    return try await catalog.read { transaction in
      try transaction.backups(in: [state]).filter {
        try transaction.vps($0.vpsID)?.node == node
      }
    }
  }

  /// Files first, row last: a crash between leaves a row that leads here again.
  private func remove(_ backup: Backup) async throws(CatalogFault) {
    if let path = backup.snapshotPath.flatMap(SnapshotPath.init(relative:)) {
      do throws(DatastoreError) {
        try await datastore.remove(path)
      } catch {
        switch error {
        case .snapshotNotFound:
          break
        default:
          logger.error(
            "backup not removed",
            metadata: ["backup.id": "\(backup.id)", "error": "\(error)"]
          )
          return
        }
      }
    }
    try await catalog.write { try $0.deleteBackup(backup.id) }
    logger.notice("backup removed", metadata: ["backup.id": "\(backup.id)"])
  }
}
