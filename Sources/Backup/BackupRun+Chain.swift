import Catalog
import Datastore
import Disks
import Hypervisor
import Logging
import Model
import Operations

/// An earlier backup that a new one may build on: its checkpoint and the indexes of its disks.
struct ChainParent: Sendable {
  var checkpointName: String
  /// The indexes by device name.
  var indexes: [String: FixedIndex]
}

/// What the search for a parent came to.
enum ParentSearch: Sendable {
  case parent(ChainParent)
  case none(FullReadReason)

  /// Why everything is read although a search was made.
  var fullReason: FullReadReason {
    switch self {
    case .parent: .bitmapLost
    case .none(let reason): reason
    }
  }

  /// The same where a single bitmap is read by itself, without a hypervisor to join those of a chain.
  ///
  /// A later checkpoint, such as one that a backup left when its machine went off under it, has ended
  /// the parent's own bitmap: what was written since then stands in the later one alone.
  func alone(among names: [String]) -> ParentSearch {
    guard case .parent(let parent) = self, names != [parent.checkpointName] else { return self }
    return .none(.checkpointLost)
  }
}

extension BackupRun {
  /// Looks for a backup whose checkpoint can be trusted to tell what has changed since.
  ///
  /// Everything that was true when the checkpoint was set must still be true. That its bitmaps are
  /// whole only the hypervisor can say, when the session begins.
  func findParent(
    _ domain: DomainDescription,
    _ disks: [CheckpointDisk]
  ) async throws(BackupStop) -> ParentSearch {
    guard disks.contains(where: \.recordsChanges) else { return .none(.unsupportedFormat) }
    let vpsID = job.vpsID
    let found = try await fromCatalog { () async throws(CatalogFault) in
      try await parts.catalog.read { transaction -> (Checkpoint?, Backup?) in
        let checkpoint = try transaction.checkpoint(of: vpsID)
        return (checkpoint, try checkpoint?.backupID.flatMap { try transaction.backup($0) })
      }
    }
    guard let checkpoint = found.0 else { return .none(.noCheckpoint) }
    guard let backup = found.1 else { return .none(.parentDeleted) }
    switch backup.state {
    case .complete: break
    case .deleting, .creating: return .none(.parentDeleted)
    case .damaged: return .none(.parentDamaged)
    }
    guard checkpoint.domainUUID == domain.uuid else { return .none(.domainChanged) }
    guard checkpoint.disks.sorted(by: <) == disks.sorted(by: <) else { return .none(.disksChanged) }
    guard domain.checkpointNames.contains(checkpoint.name) else { return .none(.checkpointLost) }
    guard let indexes = try await indexes(of: backup, disks) else { return .none(.parentDamaged) }
    return .parent(ChainParent(checkpointName: checkpoint.name, indexes: indexes))
  }

  /// The indexes of an earlier backup's disks; nil if any can't be read or isn't of this disk.
  private func indexes(
    of backup: Backup,
    _ disks: [CheckpointDisk]
  ) async throws(BackupStop) -> [String: FixedIndex]? {
    guard let path = backup.snapshotPath.flatMap(SnapshotPath.init(relative:)) else { return nil }
    let snapshot: Snapshot
    do throws(DatastoreError) {
      snapshot = try await parts.datastore.open(path)
    } catch {
      parts.logger.warning(
        "earlier backup can't be built on",
        metadata: ["job.id": "\(job.id)", "backup.id": "\(backup.id)", "error": "\(error)"]
      )
      return nil
    }
    var indexes: [String: FixedIndex] = [:]
    for disk in disks where disk.recordsChanges {
      guard
        let archive = backup.contents?.disks.first(where: { $0.device == disk.device })?.archive,
        let index = snapshot.indexes[archive], index.size == disk.sizeBytes,
        index.chunkSize == parts.settings.chunkBytes
      else { return nil }
      indexes[disk.device] = index
    }
    return indexes
  }

  /// The disks as a checkpoint remembers them; one that changes can't be recorded on has no inode.
  func checkpointDisks(
    _ seen: Observation,
    of domain: DomainDescription
  ) async throws(BackupStop) -> [CheckpointDisk] {
    var disks: [CheckpointDisk] = []
    for disk in seen.disks {
      var record = CheckpointDisk(
        device: disk.device,
        sizeBytes: disk.sizeBytes ?? 0,
        format: disk.format,
        fileSystem: "",
        inode: 0
      )
      // Where the next start has other disks, whose changes are recorded can't be told.
      if disk.canRecordChanges, domain.definitionsAgree {
        try await fromDisks { () async throws(DiskError) in
          let path = try await RealPath.of(disk.path)
          let header = try await Qcow2Header.read(path)
          // Older images have no place for a bitmap. A snapshot inside is one that the image can be
          // turned back to, of which no bitmap tells; QEMU 7.2 won't while there are bitmaps, but
          // that is a courtesy of its tools.
          guard header.version >= 3, header.snapshotCount == 0 else { return }
          let identity = try await FileIdentity.of(path)
          record.fileSystem = identity.fileSystem
          record.inode = identity.inode
        }
      }
      disks.append(record)
    }
    return disks
  }

  /// Gives the chain of the VPS up: the row first, so that nobody builds on what goes next.
  func dropChain(of domain: DomainDescription) async throws(BackupStop) {
    let vpsID = job.vpsID
    try await fromCatalog { () async throws(CatalogFault) in
      try await parts.catalog.write { try $0.deleteCheckpoint(of: vpsID) }
    }
    let names = domain.checkpointNames.filter(CheckpointName.isOurs)
    guard !names.isEmpty else { return }
    do throws(HypervisorError) {
      let left = try await parts.hypervisor.deleteCheckpoints(of: domain.reference, named: names)
      // A bitmap that is broken or gone can't be removed; what libvirt knows of it can.
      try await parts.hypervisor.forgetCheckpoints(of: domain.reference, named: left.broken)
    } catch {
      // The sweep tries again.
      parts.logger.warning(
        "lost checkpoints not removed",
        metadata: ["job.id": "\(job.id)", "error": "\(error)"]
      )
    }
  }

  /// Removes a checkpoint of a backup that came to nothing; what stays is the sweep's.
  func removeCheckpoints(_ names: [String], of reference: DomainReference) async {
    guard !names.isEmpty else { return }
    do throws(HypervisorError) {
      _ = try await parts.hypervisor.deleteCheckpoints(of: reference, named: names)
    } catch {
      parts.logger.warning(
        "checkpoint of a failed backup not removed",
        metadata: ["job.id": "\(job.id)", "error": "\(error)"]
      )
    }
  }
}

extension ObservedDisk {
  /// Whether the hypervisor can record what is written to it: it does so inside the image.
  fileprivate var canRecordChanges: Bool {
    guard storage == .file, format == DiskFormat.qcow2.rawValue else { return false }
    switch obstacle {
    case .backingChain, .shared, .hostile: return false
    case .unsupportedStorage, nil: return true
    }
  }
}

extension CheckpointDisk {
  /// Whether the hypervisor can record what is written to it.
  var recordsChanges: Bool { inode != 0 }

  fileprivate static func < (left: Self, right: Self) -> Bool { left.device < right.device }
}
