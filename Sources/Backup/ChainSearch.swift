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
  /// The disks as they were when it was set.
  var disks: [CheckpointDisk]
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

/// Looks for what a VPS's disks were known to hold, and may be known to hold with what has changed.
struct ChainSearch: Sendable {
  let catalog: any Catalog
  let datastore: LocalDatastore
  /// The chunk size that indexes must have.
  let chunkBytes: Int
  let logger: Logger

  init(_ parts: BackupParts) {
    catalog = parts.catalog
    datastore = parts.datastore
    chunkBytes = parts.settings.chunkBytes
    logger = parts.logger
  }

  /// Looks for a backup whose checkpoint can be trusted to tell what has changed since.
  ///
  /// Everything that was true when the checkpoint was set must still be true. That its bitmaps are
  /// whole only the hypervisor can say, when the session begins.
  func parent(
    of vpsID: VPSID,
    _ domain: DomainDescription,
    _ disks: [CheckpointDisk]
  ) async throws(BackupStop) -> ParentSearch {
    guard disks.contains(where: \.recordsChanges) else { return .none(.unsupportedFormat) }
    let found = try await fromCatalog { () async throws(CatalogFault) in
      try await catalog.read { transaction -> (Checkpoint?, Backup?) in
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
    guard areSame(checkpoint.disks, disks) else { return .none(.disksChanged) }
    guard domain.checkpointNames.contains(checkpoint.name) else { return .none(.checkpointLost) }
    guard let indexes = try await indexes(of: backup, disks) else { return .none(.parentDamaged) }
    return .parent(
      ChainParent(
        checkpointName: checkpoint.name,
        disks: checkpoint.disks,
        indexes: indexes
      )
    )
  }

  /// Whether both name the same images, in whatever order and at whatever time.
  private func areSame(_ left: [CheckpointDisk], _ right: [CheckpointDisk]) -> Bool {
    let pairs = zip(left.sorted(by: <), right.sorted(by: <))
    return left.count == right.count && pairs.allSatisfy { $0.isSameImage(as: $1) }
  }

  /// The indexes of an earlier backup's disks; nil if any can't be read or isn't of this disk.
  private func indexes(
    of backup: Backup,
    _ disks: [CheckpointDisk]
  ) async throws(BackupStop) -> [String: FixedIndex]? {
    guard let path = backup.snapshotPath.flatMap(SnapshotPath.init(relative:)) else { return nil }
    let snapshot: Snapshot
    do throws(DatastoreError) {
      snapshot = try await datastore.open(path)
    } catch {
      logger.warning(
        "earlier backup can't be built on",
        metadata: ["vps.id": "\(backup.vpsID)", "backup.id": "\(backup.id)", "error": "\(error)"]
      )
      return nil
    }
    var indexes: [String: FixedIndex] = [:]
    for disk in disks where disk.recordsChanges {
      guard
        let archive = backup.contents?.disks.first(where: { $0.device == disk.device })?.archive,
        let index = snapshot.indexes[archive], index.size == disk.sizeBytes,
        index.chunkSize == chunkBytes
      else { return nil }
      indexes[disk.device] = index
    }
    return indexes
  }

  /// The disks as a checkpoint remembers them; one that changes can't be recorded on has no inode.
  static func disks(
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
