import Catalog
import Disks
import Jobs
import Logging
import Model

extension RestoreRun {
  /// The room that is promised to a disk's stage as a clone; nil where it isn't to begin as one.
  ///
  /// A clone shares its blocks with the target's disk, and each write of the guest to one of those takes
  /// new room until the undo ends. That room is promised before there is a clone: to this job now, by
  /// its undo later.
  func cloneRoom(
    for disk: StagedDisk,
    _ format: DiskFormat
  ) async throws(StepStop) -> CloneRoom? {
    guard parts.settings.clonesDisks else { return nil }
    let path = disk.currentPath
    if format == .qcow2 {
      let header = try await fromDisks { () async throws(DiskError) in
        try await Qcow2Header.read(path)
      }
      // The guest needn't wait for a clone that is no stage.
      guard !header.isDirty, !header.isCorrupt, header.snapshotCount == 0 else { return nil }
    }
    let finding = try await fromDisks { () async throws(DiskError) in
      try await CloneCheck.look(at: path, reservedBytes: 0)
    }
    if case .allowed(let bytes) = finding, let room = try await promise(bytes, to: disk) {
      return room
    }
    parts.logger.info(
      "disk not cloned",
      metadata: ["job.id": "\(job.id)", "disk": "\(disk.device)", "reason": "\(finding)"]
    )
    return nil
  }

  /// Promises the room that a clone may come to take, unless it is promised to others.
  private func promise(
    _ bytes: Int64,
    to disk: StagedDisk
  ) async throws(StepStop) -> CloneRoom? {
    let path = disk.currentPath
    let space = try await fromDisks { () async throws(DiskError) in try await FreeSpace.at(path) }
    let wanted = clonedBytes[space.fileSystem, default: 0] + bytes
    let room = space.stageBytes(beside: parts.settings.freeReserve)
    guard case .made(let added) = try await promise(wanted, in: space.fileSystem, of: room)
    else { return nil }
    clonedBytes[space.fileSystem] = wanted
    return CloneRoom(fileSystem: space.fileSystem, unsharedBytes: bytes, addedBytes: added)
  }

  /// Takes a promise back where the file system made no clone, which most can't.
  func giveBack(_ room: CloneRoom) async throws(StepStop) {
    clonedBytes[room.fileSystem, default: 0] -= room.unsharedBytes
    guard room.addedBytes > 0 else { return }
    let job = job.id
    try await fromCatalog { () async throws(CatalogFault) in
      try await parts.catalog.write {
        try $0.reduceReservation(of: job, fileSystem: room.fileSystem, by: room.addedBytes)
      }
    }
  }
}
