import Catalog
import Datastore
import Disks
import Hypervisor
import Jobs
import Model
import Operations
import Synchronization

/// The steps of a backup.
///
/// Stored in journals: append only.
enum BackupStep: String, Sendable {
  /// The snapshot's folder is claimed.
  case snapshot
  /// A libvirt backup session is begun, and the guest may be frozen for a moment.
  case session
  /// The disks are read.
  case read
  /// Host space is promised to the session's scratch files.
  case scratch
}

/// One attempt at a backup.
final class BackupRun: Sendable {
  let parts: BackupParts
  let context: JobContext
  let job: Job
  let backupID: BackupID
  let debts = Mutex(Debts())
  /// Of its own threads.
  let priority: ThreadPriority
  /// Where its calls of files block, in the store and on disks that no server reads for it.
  let threads: BlockingExecutor
  /// What bounds its memory: of its own, so that a guest whose storage hangs keeps none from others.
  let buffers: BufferPool

  init(_ job: Job, _ task: BackupTask, parts: BackupParts, context: JobContext) {
    self.job = job
    backupID = task.backupID
    self.parts = parts
    self.context = context
    priority = ThreadPriority(context.ioPriority ?? parts.settings.ioPriority.value)
    buffers = BufferPool(count: Limits.chunksInFlight, capacity: parts.settings.chunkBytes)
    threads = BlockingExecutor(
      label: "rehome.backup.\(job.id)",
      width: Limits.chunksInFlight,
      priority: priority
    )
  }

  func run(isLastAttempt: Bool) async -> JobOutcome {
    do throws(BackupStop) {
      let (vps, backup) = try await load()
      try await cleanUp(after: backup, vps)
      return try await make(backup, of: vps)
    } catch {
      return await outcome(of: error, isLastAttempt: isLastAttempt)
    }
  }

  /// What an attempt has begun and must end, or leave to who comes after it.
  struct Debts: Sendable {
    /// The guest may be frozen.
    var thaw = false
    /// Some of a snapshot may be in the datastore.
    var snapshot = false
  }

  private func make(_ backup: Backup, of vps: VPS) async throws(BackupStop) -> JobOutcome {
    let domain = try await fromHypervisor { () async throws(HypervisorError) in
      try await parts.hypervisor.domain(vps.reference)
    }
    let seen = try await fromHypervisor { () async throws(HypervisorError) in
      try await parts.observer.observation(of: domain)
    }
    guard !seen.disks.isEmpty else {
      throw .because(.vpsNotReady, "The VPS has no disk that can be backed up.")
    }
    guard seen.activity == .none else {
      throw .because(.vpsNotReady, NotReadyReason.blockJob.sentence, isTransient: true)
    }
    let writer = try await beginSnapshot(backup, of: vps)
    do throws(BackupStop) {
      let made =
        switch domain.state {
        case .running:
          try await backUpRunning(domain, seen, into: writer)
        case .stopped, .crashed:
          try await backUpStopped(domain, seen, into: writer)
        case .starting, .stopping, .paused, .pausedOnError, .suspended, .unknown:
          throw BackupStop.because(
            .vpsNotReady,
            NotReadyReason.powerStateUnsettled.sentence,
            isTransient: true
          )
        }
      do throws(BackupStop) {
        return try await publish(made, backup, vps, seen, domain.definitionXML, writer)
      } catch {
        await removeCheckpoints([made.checkpoint?.name].compactMap { $0 }, of: vps.reference)
        throw error
      }
    } catch {
      await abandon(writer)
      throw error
    }
  }

  /// Looks whether the job is still this worker's.
  func confirmLease() async throws(BackupStop) {
    try await fromJournal { () async throws(JobInterruption) in
      try await self.context.confirmLease()
    }
  }

  private func abandon(_ writer: SnapshotWriter) async {
    let isGone = await writer.abandon()
    debts.withLock { $0.snapshot = !isGone }
  }

  private func load() async throws(BackupStop) -> (VPS, Backup) {
    let (vpsID, backupID) = (job.vpsID, backupID)
    let found = try await fromCatalog { () async throws(CatalogFault) in
      try await parts.catalog.read { (try $0.vps(vpsID), try $0.backup(backupID)) }
    }
    guard let vps = found.0, let backup = found.1, vps.serviceStatus == .active else {
      throw .because(.notFound, "The VPS or the backup's row is gone, or the VPS isn't active.")
    }
    // Another worker has made it: nothing of it is this one's to put right.
    guard backup.state == .creating else {
      try await confirmLease()
      throw .because(.notFound, "The backup isn't one that is being made any more.")
    }
    debts.withLock { $0.snapshot = backup.snapshotPath != nil }
    return (vps, backup)
  }

  /// Claims the snapshot and says so in the catalog before anything is written into it, so that
  /// what a crash leaves is known as ours.
  private func beginSnapshot(
    _ backup: Backup,
    of vps: VPS
  ) async throws(BackupStop) -> SnapshotWriter {
    try await record(.snapshot, .begun)
    // Never where an earlier attempt was: its worker may still live, and it removes what is there.
    let earlier = backup.snapshotPath.flatMap(SnapshotPath.init(relative:))?.time ?? 0
    let notBefore = max(parts.clock.now().seconds, earlier + 1)
    let writer = try await fromDatastore { () async throws(DatastoreError) in
      try await parts.datastore.begin(
        namespace: [vps.clientID.text],
        id: vps.id.text,
        notBefore: notBefore,
        threads: threads
      )
    }
    debts.withLock { $0.snapshot = true }
    var row = backup
    row.snapshotPath = writer.path.relative
    let claimed = row
    do throws(BackupStop) {
      // Under the lease: whoever was overtaken must not claim the row of who has overtaken it.
      try await fromJournal { () async throws(JobInterruption) in
        try await context.record(
          BackupStep.snapshot.rawValue,
          .done,
          detail: [String: String](),
          also: { try $0.update(claimed) }
        )
      }
    } catch {
      await abandon(writer)
      throw error
    }
    return writer
  }

  /// Adds the definition, makes the snapshot visible, and gives the outcome that completes the row.
  private func publish(
    _ made: MadeDisks,
    _ backup: Backup,
    _ vps: VPS,
    _ seen: Observation,
    _ xml: String,
    _ writer: SnapshotWriter
  ) async throws(BackupStop) -> JobOutcome {
    try await fromDatastore { () async throws(DatastoreError) in
      try await writer.addBlob("libvirt-domain.xml.blob", Array(xml.utf8))
      try await writer.addBlob(
        "qemu-server.conf.blob",
        SourceDefinition.qemuServerConfiguration(of: vps, seen)
      )
    }
    await parts.reached(.beforeManifest)
    if context.isCancelRequested { throw .cancelled }
    try await confirmLease()
    let contents = BackupContents(
      disks: made.disks,
      firmware: seen.firmware,
      hasTPM: seen.hasTPM,
      isFrozen: made.isFrozen
    )
    _ = try await fromDatastore { () async throws(DatastoreError) in
      try await writer.finish(unprotected: [
        "notes": .string(backup.note ?? vps.name),
        "rehome": [
          "backupId": .string(backup.id.text), "vpsId": .string(vps.id.text),
          "clientId": .string(vps.clientID.text), "displayName": .string(vps.name),
          SnapshotRecord.member: .string(SnapshotRecord(of: backup, contents).text),
        ],
      ])
    }
    await parts.reached(.afterManifest)
    var row = backup
    row.state = .complete
    row.snapshotPath = writer.path.relative
    row.contents = contents
    let complete = row
    let result = BackupResult(
      backupID: backup.id,
      sizeBytes: contents.sizeBytes,
      bytesRead: made.count.bytesRead,
      bytesWritten: made.count.bytesWritten,
      bytesReused: made.count.bytesReused,
      frozen: made.isFrozen,
      frozenMilliseconds: made.frozenMilliseconds,
      incremental: made.fullReason == nil,
      fullReason: made.fullReason
    )
    let now = parts.clock.now()
    return .completed(.backup(result)) { transaction in
      try transaction.update(complete)
      // What the schedule no longer keeps goes when, and only when, something newer is there.
      try Retention.apply(after: complete, at: now, transaction)
      try made.remember(as: backup.id, of: vps.id, transaction)
    }
  }

  private func outcome(of stop: BackupStop, isLastAttempt: Bool) async -> JobOutcome {
    let id = backupID
    let isGone = debts.withLock { !$0.snapshot }
    let removeRow: @Sendable (any CatalogTransaction) throws -> Void = { transaction in
      guard !isGone, var backup = try transaction.backup(id) else {
        return try transaction.deleteBackup(id)
      }
      // Without its row nobody would know what is still there.
      backup.state = .deleting
      try transaction.update(backup)
    }
    switch stop {
    case .failure(let failure) where failure.isTransient && !isLastAttempt:
      return .retry(failure)
    case .failure(var failure):
      failure.isTransient = false
      return .failed(failure, also: removeRow)
    case .cancelled:
      let failure = JobFailure(
        code: .jobCancelled,
        detail: "The backup was cancelled; nothing of it is kept."
      )
      return .cancelled(failure, also: removeRow)
    case .interrupted(.leaseLost):
      return .leaseLost
    case .interrupted(.catalog):
      return .retry(
        JobFailure(
          code: .internalError,
          detail: "The catalog is out of reach.",
          isTransient: true
        )
      )
    }
  }

  func record(_ step: BackupStep, _ phase: StepPhase) async throws(BackupStop) {
    try await record(step, phase, [String: String]())
  }

  func record(
    _ step: BackupStep,
    _ phase: StepPhase,
    _ detail: some Encodable & Sendable
  ) async throws(BackupStop) {
    try await fromJournal { () async throws(JobInterruption) in
      try await context.record(step.rawValue, phase, detail: detail)
    }
  }
}
