import Catalog
import Datastore
import Disks
import Hypervisor
import Jobs
import Logging
import Model
import Operations
import Synchronization

/// What the journal row of a session holds, so that a later worker can put right what a dead one
/// left.
///
/// Stored: fields are append-only.
struct SessionRecord: Sendable, Codable {
  /// The private directory with socket and scratch files; its name is the job's.
  var directory: String
  /// The checkpoint that begins with the session; nil in journals of older versions.
  var checkpoint: String?
}

extension BackupRun {
  /// Where this job's socket and scratch files are.
  var sessionDirectory: String { "\(parts.runtimeDirectory)/\(job.id)" }

  /// Backs a running VPS up through a pull-mode session: one moment of all its disks.
  func backUpRunning(
    _ domain: DomainDescription,
    _ seen: Observation,
    into writer: SnapshotWriter
  ) async throws(BackupStop) -> MadeDisks {
    let directory = sessionDirectory
    let disks = try await ChainSearch.disks(seen, of: domain)
    let search = try await findParent(domain, disks)
    var generator = SystemRandomNumberGenerator()
    let checkpoint = CheckpointName.make(ULID(at: parts.clock.now(), using: &generator))
    // Journaled before the first effect: a worker that dies here leaves a frozen guest.
    try await record(.session, .begun, SessionRecord(directory: directory, checkpoint: checkpoint))
    let owner = try await fromDisks { () async throws(DiskError) in
      try await RuntimeDirectory.Owner.of(seen.disks[0].path)
    }
    try await fromDisks { () async throws(DiskError) in
      _ = try await RuntimeDirectory.ensure(directory, mode: 0o700, owner: owner)
    }
    do throws(BackupStop) {
      let session = SessionPlan(
        domain: domain,
        seen: seen,
        disks: disks,
        directory: directory,
        checkpointName: checkpoint
      )
      let made = try await readSession(session, search, into: writer)
      try await endSession(of: domain.reference, directory)
      try await releaseScratch()
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
      await removeCheckpoints([checkpoint], of: domain.reference)
      throw error
    }
  }

  private func readSession(
    _ session: SessionPlan,
    _ search: ParentSearch,
    into writer: SnapshotWriter
  ) async throws(BackupStop) -> MadeDisks {
    let scratch = try await reserveScratch(for: session)
    let begun = try await begin(session, search)
    await parts.reached(.sessionBegun)
    let context = context
    let watch = ScratchWatch(
      hypervisor: parts.hypervisor,
      reference: session.domain.reference,
      files: session.scratchFiles(scratch),
      directory: session.directory,
      isUnwanted: { context.isCancelRequested },
      timer: parts.timer
    )
    let lines = SessionLines()
    return try await watched(by: watch, lines) { () async throws(BackupStop) in
      // Not before it has begun: what a guest flushes from now on was written out after the checkpoint.
      let checkpoint = begun.hasCheckpoint ? await self.checkpoint(of: session) : nil
      var made = try await self.readDisks(of: session, begun, over: lines, into: writer)
      made.isFrozen = begun.frozen != nil
      made.frozenMilliseconds = begun.frozen?.milliseconds ?? 0
      made.checkpoint = checkpoint
      return made
    }
  }

  /// What is remembered of the checkpoint that a session has begun with.
  private func checkpoint(of session: SessionPlan) async -> Checkpoint {
    let disks = await countingFlushes(session.disks, of: session.domain.reference)
    return Checkpoint(
      vpsID: job.vpsID,
      name: session.checkpointName,
      backupID: backupID,
      domainUUID: session.domain.uuid,
      disks: disks,
      createdAt: parts.clock.now()
    )
  }

  /// Opens the session's disks and reads them.
  private func readDisks(
    of session: SessionPlan,
    _ begun: BegunSession,
    over lines: SessionLines,
    into writer: SnapshotWriter
  ) async throws(BackupStop) -> MadeDisks {
    var sources: [SourceDisk] = []
    var opened: [any BlockDevice] = []
    do throws(BackupStop) {
      for disk in session.seen.disks {
        let index = begun.parent?.indexes[disk.device]
        let context = session.changesContext(of: disk.device)
        let line = try await fromDisks { () async throws(DiskError) in
          try await parts.opening.session(
            session.socket,
            disk.device,
            index == nil ? nil : context
          )
        }
        let device = line.device
        opened.append(device)
        lines.add(line)
        var source = SourceDisk(
          observed: disk,
          archive: SourceDefinition.archive(for: disk),
          device: device
        )
        if let index, index.size == device.size {
          source.known = KnownContent(index: index, changes: line.changes)
        }
        sources.append(source)
      }
      var made = try await read(sources, into: writer)
      await close(opened)
      let isIncremental = sources.contains { $0.known != nil }
      made.fullReason = isIncremental ? nil : begun.fullReason ?? .disksChanged
      return made
    } catch {
      await close(opened)
      throw error
    }
  }

  /// Thaws until that is acknowledged, within a bound.
  func thaw(_ reference: DomainReference) async {
    for attempt in 1...5 {
      do throws(HypervisorError) {
        try await parts.hypervisor.thaw(reference, timeout: Limits.freezeBound)
        debts.withLock { $0.thaw = false }
        return
      } catch {
        parts.logger.warning(
          "guest not thawed yet",
          metadata: ["job.id": "\(job.id)", "attempt": "\(attempt)", "error": "\(error)"]
        )
        // A freeze that timed out may bite late. A cancelled wait only asks again earlier.
        _ = await parts.timer.isAwake(after: .seconds(1))
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

  /// Ends the session, lets its guest go on, and removes what the session needed.
  ///
  /// The folder goes last: as long as it is there it is known that something is left to do.
  func endSession(
    of reference: DomainReference,
    _ directory: String
  ) async throws(BackupStop) {
    let end = sessionEnd(of: reference, directory)
    try await fromHypervisor { () async throws(HypervisorError) in try await end.perform() }
    if debts.withLock({ $0.thaw }) { await thaw(reference) }
    do throws(BackupStop) {
      // The thaw may have taken long.
      try await confirmLease()
      try await closeSession(of: reference, directory)
    } catch {
      // What was read is as good as before; the folder is there for who comes after.
      parts.logger.warning(
        "backup session's folder not closed",
        metadata: ["job.id": "\(job.id)", "error": "\(error)"]
      )
    }
  }

  /// Removes the folder of a session that was ended, unless its guest may be frozen yet, and what begins late.
  func closeSession(
    of reference: DomainReference,
    _ directory: String
  ) async throws(BackupStop) {
    guard !debts.withLock({ $0.thaw }) else { return }
    let end = sessionEnd(of: reference, directory)
    try await fromHypervisor { () async throws(HypervisorError) in try await end.close() }
  }

  private func sessionEnd(
    of reference: DomainReference,
    _ directory: String
  ) -> SessionEnd {
    SessionEnd(hypervisor: parts.hypervisor, reference: reference, directory: directory)
  }
}
