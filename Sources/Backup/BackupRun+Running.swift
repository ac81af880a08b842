import Catalog
import Datastore
import Disks
import Hypervisor
import Logging
import Model
import Operations

/// What the journal row of a session holds, so that a later worker can put right what a dead one
/// left.
///
/// Stored: fields are append-only.
struct SessionRecord: Sendable, Codable {
  /// The private directory with socket and scratch files; its name is the job's.
  var directory: String
}

extension BackupRun {
  private var sessionDirectory: String { "\(parts.runtimeDirectory)/\(job.id)" }

  /// Backs a running VPS up through a pull-mode session: one moment of all its disks.
  func backUpRunning(
    _ domain: DomainDescription,
    _ seen: Observation,
    into writer: SnapshotWriter
  ) async throws(BackupStop) -> MadeDisks {
    let directory = sessionDirectory
    // Journaled before the first effect: a worker that dies here leaves a frozen guest.
    try await record(.session, .begun, SessionRecord(directory: directory))
    let owner = try await fromDisks { () async throws(DiskError) in
      try await RuntimeDirectory.Owner.of(seen.disks[0].path)
    }
    try await fromDisks { () async throws(DiskError) in
      _ = try await RuntimeDirectory.ensure(directory, mode: 0o700, owner: owner)
    }
    do throws(BackupStop) {
      let made = try await readSession(of: domain, seen, in: directory, into: writer)
      try await endSession(of: domain.reference, directory)
      try await record(.session, .done)
      return made
    } catch {
      do throws(BackupStop) {
        try await endSession(of: domain.reference, directory)
      } catch {
        parts.logger.error(
          "backup session not ended",
          metadata: ["job.id": "\(job.id)", "error": "\(error)"]
        )
      }
      throw error
    }
  }

  private func readSession(
    of domain: DomainDescription,
    _ seen: Observation,
    in directory: String,
    into writer: SnapshotWriter
  ) async throws(BackupStop) -> MadeDisks {
    let socket = "\(directory)/nbd.sock"
    let request = BackupRequest(
      socketPath: socket,
      disks: seen.disks.map {
        BackupRequest.Disk(
          targetDevice: $0.device,
          exportName: $0.device,
          scratchPath: "\(directory)/\($0.device).scratch"
        )
      }
    )
    let freeze = try await begin(request, of: domain)
    await parts.reached(.sessionBegun)
    var sources: [SourceDisk] = []
    var opened: [any BlockDevice] = []
    do throws(BackupStop) {
      for disk in seen.disks {
        let device = try await fromDisks { () async throws(DiskError) in
          try await NBDDisk.open(socket: socket, export: disk.device)
        }
        opened.append(device)
        sources.append(
          SourceDisk(
            observed: disk,
            archive: SourceDefinition.archive(for: disk),
            device: device
          )
        )
      }
      var made = try await read(sources, into: writer)
      await close(opened)
      made.isFrozen = freeze != nil
      made.frozenMilliseconds = freeze?.milliseconds ?? 0
      return made
    } catch {
      await close(opened)
      throw error
    }
  }

  /// Freeze, begin, thaw: one bounded section, thawed on every path.
  ///
  /// - Returns: How long the guest was frozen; nil if it could not be.
  private func begin(
    _ request: BackupRequest,
    of domain: DomainDescription
  ) async throws(BackupStop) -> Duration? {
    let reference = domain.reference
    guard domain.isAgentConnected else {
      try await fromHypervisor { () async throws(HypervisorError) in
        try await parts.hypervisor.beginBackup(of: reference, request)
      }
      return nil
    }
    let started = ContinuousClock.now
    var isFrozen = false
    do throws(HypervisorError) {
      isFrozen = try await parts.hypervisor.freeze(reference, timeout: Limits.freezeBound) > 0
    } catch {
      // A freeze that failed may still bite later: the thaw below is for it as well.
      parts.logger.notice(
        "guest not frozen, the backup is crash-consistent",
        metadata: ["job.id": "\(job.id)", "error": "\(error)"]
      )
    }
    do throws(HypervisorError) {
      try await parts.hypervisor.beginBackup(of: reference, request)
    } catch {
      await thaw(reference)
      throw BackupStop(error)
    }
    await thaw(reference)
    return isFrozen ? ContinuousClock.now - started : nil
  }

  /// Thaws until that is acknowledged, within a bound.
  func thaw(_ reference: DomainReference) async {
    for attempt in 1...5 {
      do throws(HypervisorError) {
        try await parts.hypervisor.thaw(reference, timeout: Limits.freezeBound)
        return
      } catch {
        parts.logger.warning(
          "guest not thawed yet",
          metadata: ["job.id": "\(job.id)", "attempt": "\(attempt)", "error": "\(error)"]
        )
        // A freeze that timed out may bite late. A cancelled wait only asks again earlier.
        try? await Task.sleep(for: .seconds(1))
      }
    }
  }

  private func close(_ devices: [any BlockDevice]) async {
    for device in devices {
      do throws(DiskError) {
        try await device.close()
      } catch {
        parts.logger.warning(
          "disk not closed",
          metadata: ["job.id": "\(job.id)", "error": "\(error)"]
        )
      }
    }
  }

  private func endSession(
    of reference: DomainReference,
    _ directory: String
  ) async throws(BackupStop) {
    try await fromHypervisor { () async throws(HypervisorError) in
      // Only a session whose scratch files carry our job's name is ours to end.
      let scratch = try await parts.hypervisor.backupScratchPaths(of: reference) ?? []
      guard scratch.contains(where: { $0.hasPrefix(directory + "/") }) else { return }
      try await parts.hypervisor.abortBackup(of: reference)
    }
    await RuntimeDirectory(path: directory).remove()
  }

  /// Puts right what a worker that died has left: a frozen guest, a session, a snapshot.
  func cleanUp(after backup: Backup, _ vps: VPS) async throws(BackupStop) {
    guard job.attempts > 1 else { return }
    let directory = sessionDirectory
    let scratch = try await fromHypervisor { () async throws(HypervisorError) in
      try await parts.hypervisor.backupScratchPaths(of: vps.reference)
    }
    // Only a session whose scratch files carry our job's name is ours to end.
    if let scratch, scratch.contains(where: { $0.hasPrefix(directory + "/") }) {
      try await endSession(of: vps.reference, directory)
    }
    let domain = try await fromHypervisor { () async throws(HypervisorError) in
      try await parts.hypervisor.domain(vps.reference)
    }
    if domain.isAgentConnected { await thaw(vps.reference) }
    if domain.state == .pausedOnError {
      try await fromHypervisor { () async throws(HypervisorError) in
        try await parts.hypervisor.resume(vps.reference)
      }
    }
    await RuntimeDirectory(path: directory).remove()
    guard let path = backup.snapshotPath.flatMap(SnapshotPath.init(relative:)) else { return }
    try await fromDatastore { () async throws(DatastoreError) in
      do throws(DatastoreError) {
        try await parts.datastore.remove(path)
      } catch .snapshotNotFound {
        // The attempt before has removed it already.
        return
      } catch {
        throw error
      }
    }
  }
}
