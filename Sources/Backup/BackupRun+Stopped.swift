import Datastore
import Disks
import Hypervisor
import Logging
import Model
import Operations

extension BackupRun {
  /// Backs a stopped VPS up from its disks, held so that nobody writes to them meanwhile.
  ///
  /// What the images themselves have recorded of changes spares reading the rest. No checkpoint can
  /// be set without QEMU, so that the next backup counts from the same one.
  func backUpStopped(
    _ domain: DomainDescription,
    _ seen: Observation,
    into writer: SnapshotWriter
  ) async throws(BackupStop) -> MadeDisks {
    let reference = domain.reference
    var locks: [ImageLock] = []
    var sources: [SourceDisk] = []
    defer { for lock in locks { lock.release() } }
    do throws(BackupStop) {
      var paths: [String] = []
      for disk in seen.disks {
        try await fromDisks { () async throws(DiskError) in
          let path = try await RealPath.of(disk.path)
          locks.append(try await ImageLock.reader(path))
          paths.append(path)
        }
      }
      // Under the locks, or the files could be others by the time they are read.
      let search = try await findParent(domain, try await ChainSearch.disks(seen, of: domain))
        .alone(among: domain.checkpointNames)
      for (disk, path) in zip(seen.disks, paths) {
        sources.append(try await open(disk, at: path, search))
      }
      let watch = StartWatch(reference, on: parts.hypervisor, parts.timer)
      async let _ = watch.run()
      let before = try await looks(seen)
      try await requireStopped(reference)
      var made = try await read(sources, into: writer)
      // Locks keep QEMU away from files, and whatever else wrote to one shows in size and times. A device has
      // neither: there a machine that ran meanwhile is what was seen of it.
      guard try await looks(seen) == before else {
        throw .because(
          .vpsNotReady,
          "A disk was changed while it was read.",
          isTransient: true
        )
      }
      try await requireStopped(reference, watch)
      made.still = try await still(seen, paths)
      await closeAll(sources)
      if sources.allSatisfy({ $0.known == nil }) { made.fullReason = search.fullReason }
      return made
    } catch {
      await closeAll(sources)
      throw error
    }
  }

  /// Opens a disk, with its record of changes if there is one that can be used.
  private func open(
    _ disk: ObservedDisk,
    at path: String,
    _ search: ParentSearch
  ) async throws(BackupStop) -> SourceDisk {
    guard let format = DiskFormat(rawValue: disk.format) else {
      throw .because(.vpsNotReady, "The disk \(disk.device) has a format that can't be read.")
    }
    let archive = SourceDefinition.archive(for: disk)
    let directory = parts.runtimeDirectory
    if case .parent(let parent) = search, let index = parent.indexes[disk.device] {
      let bitmap = parent.checkpointName
      do throws(DiskError) {
        let opened = try await parts.opening.marked(path, bitmap, directory)
        let device = opened.device
        guard device.size == index.size else {
          try await device.close()
          throw DiskError.stampMismatch(path: path)
        }
        let known = KnownContent(index: index, changes: opened.changes)
        return SourceDisk(observed: disk, archive: archive, device: device, known: known)
      } catch {
        // It is read in full; if it can't be opened at all, the next line says so.
        parts.logger.notice(
          "a disk's record of changes can't be used",
          metadata: ["job.id": "\(job.id)", "disk": "\(disk.device)", "error": "\(error)"]
        )
      }
    }
    // Asked for under the image lock: what it says stays true.
    let still = await StillContent(catalog: parts.catalog, datastore: parts.datastore)
      .index(of: job.vpsID, device: disk.device, at: path, format: disk.format)
    let device = try await fromDisks { () async throws(DiskError) in
      try await parts.opening.image(path, format, directory, threads)
    }
    var source = SourceDisk(observed: disk, archive: archive, device: device)
    if let still, still.size == device.size, still.chunkSize == parts.settings.chunkBytes {
      source.known = KnownContent(index: still) { _ throws(DiskError) in [] }
    }
    return source
  }

  /// How the disks are, for telling later that nobody has written to them since.
  private func still(
    _ seen: Observation,
    _ paths: [String]
  ) async throws(BackupStop) -> [StillDisk] {
    var disks: [StillDisk] = []
    for (disk, path) in zip(seen.disks, paths) where disk.storage == .file {
      try await fromDisks { () async throws(DiskError) in
        guard let mark = try await StillMark.of(path) else { return }
        disks.append(StillDisk(disk, mark))
      }
    }
    return disks
  }

  private func requireStopped(
    _ reference: DomainReference,
    _ watch: StartWatch? = nil
  ) async throws(BackupStop) {
    let state = try await fromHypervisor { () async throws(HypervisorError) in
      try await watch?.look()
      return try await parts.hypervisor.state(of: reference)
    }
    guard state == .stopped || state == .crashed, watch?.hasSeenStart != true else {
      throw .because(
        .vpsNotReady,
        "The VPS was started while its disk was read.",
        isTransient: true
      )
    }
  }

  /// What a write to a disk changes; nobody can set the change time back.
  private struct Looks: Equatable {
    let identity: FileIdentity
    let changed: Int64
  }

  private func looks(_ seen: Observation) async throws(BackupStop) -> [Looks] {
    var found: [Looks] = []
    for disk in seen.disks {
      try await fromDisks { () async throws(DiskError) in
        let path = try await RealPath.of(disk.path)
        found.append(
          Looks(
            identity: try await FileIdentity.of(path),
            changed: try await StillMark.changeTime(of: path)
          )
        )
      }
    }
    return found
  }

  private func closeAll(_ sources: [SourceDisk]) async {
    for source in sources {
      do throws(DiskError) {
        try await source.device.close()
      } catch {
        parts.logger.warning(
          "disk not closed",
          metadata: ["job.id": "\(job.id)", "error": "\(error)"]
        )
      }
    }
  }
}
