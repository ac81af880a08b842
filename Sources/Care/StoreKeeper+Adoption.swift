import Catalog
import Datastore
import Logging
import Model

extension StoreKeeper {
  /// Takes up the snapshots of ours that the catalog doesn't know, as after its file was replaced by
  /// an older copy; belongs to the start of a worker.
  ///
  /// What is taken up is damaged at first: the next turn reads every byte of it, and it is complete if
  /// all is well. Snapshots of others, and of VPSs that the catalog doesn't know, are left alone.
  package func adopt() async {
    do throws(DatastoreError) {
      let paths = try await datastore.finishedSnapshots()
      for path in await unknown(among: paths) { try await adopt(path) }
    } catch {
      logger.warning("snapshots not taken up", metadata: ["error": "\(error)"])
    }
  }

  private func unknown(among paths: [SnapshotPath]) async -> [SnapshotPath] {
    do throws(CatalogFault) {
      let known = try await catalog.read { transaction in
        Set(try transaction.backups(in: Set(BackupState.allCases)).compactMap(\.snapshotPath))
      }
      return paths.filter { !known.contains($0.relative) }
    } catch {
      logger.warning("snapshots not compared", metadata: ["error": "\(error)"])
      return []
    }
  }

  private func adopt(_ path: SnapshotPath) async throws(DatastoreError) {
    guard path.namespace.count == 1, let client = ClientID(path.namespace[0]),
      let vpsID = VPSID(path.id), let record = try await record(in: path),
      record.clientID == client, record.vpsID == vpsID
    else { return }
    let (backup, node) = (record.backup(at: path.relative), node)
    let entry = AuditEntry(
      at: clock.now(),
      actor: actor,
      action: "backup.adopt",
      subject: backup.id.text,
      detail: path.relative
    )
    do throws(CatalogFault) {
      let isAdopted = try await catalog.write { transaction throws -> Bool in
        guard let vps = try transaction.vps(vpsID), vps.clientID == client, vps.node == node,
          try transaction.backup(backup.id) == nil
        else { return false }
        try transaction.insert(backup)
        try transaction.append(entry)
        return true
      }
      logger.notice(
        isAdopted ? "snapshot taken up" : "unknown snapshot left alone",
        metadata: ["snapshot": "\(path)", "backup.id": "\(backup.id)"]
      )
    } catch {
      logger.warning(
        "snapshot not taken up",
        metadata: ["snapshot": "\(path)", "error": "\(error)"]
      )
    }
  }

  /// What a snapshot says of itself; nil: nothing that we understand, or it can't be read.
  private func record(in path: SnapshotPath) async throws(DatastoreError) -> SnapshotRecord? {
    do throws(DatastoreError) {
      guard case .object(let own)? = try await datastore.manifest(of: path).unprotected["rehome"],
        case .string(let text)? = own[SnapshotRecord.member]
      else { return nil }
      return SnapshotRecord(text: text)
    } catch {
      // One that is damaged, or is being removed, holds up no other.
      guard error.isDamage || error == .encrypted(Manifest.fileName) else { throw error }
      return nil
    }
  }
}
