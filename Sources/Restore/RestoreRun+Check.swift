import Catalog
import Datastore
import Disks
import Hypervisor
import Model
import Operations

extension RestoreRun {
  /// The rules again, on the world as it is now.
  func check() async throws(StepStop) {
    try await record(.check, .begun)
    if kind == .undo { return try await checkUndo() }
    let facts = try await restoreFacts()
    try await checkNVRAM(of: try await describeTarget())
    let snapshot = try await openSnapshot(facts.backup)
    for pair in facts.plan.pairs {
      guard let index = snapshot.indexes[pair.source.archive],
        index.size == pair.source.sizeBytes
      else {
        throw .damage(
          JobFailure(
            code: .backupDamaged,
            detail: "The backup's index \(pair.source.archive) is missing or of another size."
          )
        )
      }
    }
    try await record(.check, .done)
  }

  /// An undo needs its files where the restore left them.
  private func checkUndo() async throws(StepStop) {
    try await recordUndoDisks()
    try await checkNVRAM(of: try await describeTarget())
    if isInPlace {
      try await checkInPlaceUndo()
      return try await record(.check, .done)
    }
    try await requireState(try pairs(), moved: false)
    try await record(.check, .done)
  }

  /// What the check decides from; observed now, stored for the gates.
  func restoreFacts() async throws(StepStop) -> CheckedFacts {
    let task = try restoreTask()
    let id = job.vpsID
    let now = parts.clock.now()
    // While it runs the target isn't ready.
    if job.attempts > 1 { try await endLeftSession() }
    let seen = try await observeTarget()
    let loaded = try await fromCatalog { () async throws(CatalogFault) in
      try await self.parts.catalog.write { transaction in
        try transaction.setObservation(seen, of: id)
        return (
          target: try transaction.vps(id), source: try transaction.vps(task.sourceVPSID),
          backup: try transaction.backup(task.backupID)
        )
      }
    }
    guard let target = loaded.target, target.serviceStatus != .terminated,
      let source = loaded.source, source.clientID == target.clientID,
      let backup = loaded.backup, backup.vpsID == source.id, backup.clientID == target.clientID,
      backup.isRestorable(at: now)
    else { throw StepStop(Refusal.notFound) }
    self.target = target
    let stagedBytes = await stagedBytes()
    let plan = try rules { () throws(Refusal) in
      try GateRules.targetState(
        GateFacts(serviceStatus: target.serviceStatus, observation: seen)
      )
      return try Operations.fit(
        backup,
        onto: target,
        strategy: task.strategy,
        reservedBytes: -stagedBytes
      )
    }
    return CheckedFacts(target: target, backup: backup, plan: plan)
  }

  /// What an attempt that died has staged, which isn't to be found free a second time.
  private func stagedBytes() async -> Int64 {
    guard let stage = journal.stage, stage.isInPlace != true else { return 0 }
    var bytes: Int64 = 0
    for disk in stage.disks {
      do throws(DiskError) {
        bytes += try await DiskImage.allocatedBytes(disk.stagedPath)
      } catch {
        // It isn't there, or begins anew.
      }
    }
    return bytes
  }

  /// Looks at the target's domain now.
  func observeTarget() async throws(StepStop) -> Observation {
    let reference = try requireTarget().reference
    return try await patiently { () async throws(HypervisorError) in
      try await self.parts.observer.observe(reference)
    }
  }

  func restoreTask() throws(StepStop) -> RestoreTask {
    guard case .restore(let task) = job.task else {
      throw .because(.internalError, "The job isn't a restore.")
    }
    return task
  }

  func openSnapshot(_ backup: Backup) async throws(StepStop) -> Snapshot {
    guard let path = backup.snapshotPath.flatMap(SnapshotPath.init(relative:)) else {
      throw StepStop(Refusal.notFound)
    }
    return try await fromDatastore { () async throws(DatastoreError) in
      try await self.parts.datastore.open(path)
    }
  }

  /// The real path of a disk that can be exchanged.
  func qualify(_ path: String) async throws(StepStop) -> String {
    let found = try await fromDisks { () async throws(DiskError) in
      try await DiskQualification.check(path)
    }
    switch found {
    case .qualified(let real, _): return real
    case .unqualified:
      throw .because(.invalidRequest, "The target's storage can't exchange disks.")
    }
  }
}

/// What the check found to be true.
struct CheckedFacts {
  var target: VPS
  var backup: Backup
  var plan: RestorePlan
}
