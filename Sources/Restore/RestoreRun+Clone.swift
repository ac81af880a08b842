import Catalog
import Disks
import Logging
import Model

extension RestoreRun {
  /// Whether a disk's stage is to begin as a clone; where it isn't, an empty one always does.
  ///
  /// A clone shares its blocks with the target's disk, and each write of the guest to one of those takes
  /// new room until the undo ends. That room is promised before there is a clone: to this job now, by
  /// its undo later.
  func isCloneWanted(
    for disk: StagedDisk,
    _ format: DiskFormat
  ) async throws(StepStop) -> Bool {
    guard parts.settings.clonesDisks, format == .raw else { return false }
    let path = disk.currentPath
    let finding = try await fromDisks { () async throws(DiskError) in
      try await CloneCheck.look(at: path, reservedBytes: 0)
    }
    if case .allowed(let bytes) = finding, try await promise(bytes, toClonesOf: disk) {
      return true
    }
    parts.logger.info(
      "disk not cloned",
      metadata: ["job.id": "\(job.id)", "disk": "\(disk.device)", "reason": "\(finding)"]
    )
    return false
  }

  /// Promises the room that a clone may come to take, unless it is promised to others.
  private func promise(
    _ bytes: Int64,
    toClonesOf disk: StagedDisk
  ) async throws(StepStop) -> Bool {
    let path = disk.currentPath
    let space = try await fromDisks { () async throws(DiskError) in try await FreeSpace.at(path) }
    let job = job
    let wanted = clonedBytes + bytes
    let isPromised = try await fromCatalog { () async throws(CatalogFault) in
      try await parts.catalog.write { transaction in
        try CloneRoom.promise(wanted, to: job, in: space, transaction)
      }
    }
    if isPromised { clonedBytes = wanted }
    return isPromised
  }
}
