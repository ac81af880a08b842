import Datastore
import Disks
import Hypervisor
import Logging
import Model

extension BackupRun {
  /// Backs a stopped VPS up from its disks, held so that nobody writes to them meanwhile.
  func backUpStopped(
    _ reference: DomainReference,
    _ seen: Observation,
    into writer: SnapshotWriter
  ) async throws(BackupStop) -> MadeDisks {
    var locks: [ImageLock] = []
    var sources: [SourceDisk] = []
    defer { for lock in locks { lock.release() } }
    do throws(BackupStop) {
      for disk in seen.disks {
        guard let format = DiskFormat(rawValue: disk.format) else {
          throw .because(.vpsNotReady, "The disk \(disk.device) has a format that can't be read.")
        }
        try await fromDisks { () async throws(DiskError) in
          let path = try await RealPath.of(disk.path)
          locks.append(try await ImageLock.reader(path))
          let device = try await DiskImage.open(
            path,
            format: format,
            access: .read,
            directory: parts.runtimeDirectory
          )
          sources.append(
            SourceDisk(
              observed: disk,
              archive: SourceDefinition.archive(for: disk),
              device: device
            )
          )
        }
      }
      let before = try await identities(seen)
      try await requireStopped(reference)
      let made = try await read(sources, into: writer)
      // Locks keep QEMU away; whatever else wrote shows in size and time.
      guard try await identities(seen) == before else {
        throw .because(
          .vpsNotReady,
          "A disk was changed while it was read.",
          isTransient: true
        )
      }
      try await requireStopped(reference)
      await closeAll(sources)
      return made
    } catch {
      await closeAll(sources)
      throw error
    }
  }

  private func requireStopped(_ reference: DomainReference) async throws(BackupStop) {
    let state = try await fromHypervisor { () async throws(HypervisorError) in
      try await parts.hypervisor.state(of: reference)
    }
    guard state == .stopped || state == .crashed else {
      throw .because(
        .vpsNotReady,
        "The VPS was started while its disk was read.",
        isTransient: true
      )
    }
  }

  private func identities(_ seen: Observation) async throws(BackupStop) -> [FileIdentity] {
    var found: [FileIdentity] = []
    for disk in seen.disks {
      try await fromDisks { () async throws(DiskError) in
        found.append(try await FileIdentity.of(try await RealPath.of(disk.path)))
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
