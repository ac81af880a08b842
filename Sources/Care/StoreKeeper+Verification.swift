import Catalog
import Datastore
import Logging
import Model
import Synchronization

extension StoreKeeper {
  /// Verifies what a task names, the longest unverified first.
  func verify(_ task: StoreTask) async -> StoreTask {
    var ended = task
    var report = VerificationReport()
    var seen: Set<BackupID> = []
    var fault: DatastoreError?
    let known = VerifiedChunks()
    let progress = CareProgress(task, keeper: self)
    do throws(CatalogFault) {
      while true {
        let page = try await backups(of: task).filter { seen.insert($0.id).inserted }
        guard !page.isEmpty else { break }
        for (number, backup) in page.enumerated() {
          await progress.note(
            100 * number / page.count,
            "backup \(report.backupCount + 1) of \(report.backupCount + page.count - number)"
          )
          let found: SnapshotFindings
          do throws(DatastoreError) {
            found = try await findings(of: backup, known)
          } catch {
            // The others are read nevertheless; this one stays due.
            fault = error
            logger.error(
              "backup not verified",
              metadata: ["backup.id": "\(backup.id)", "error": "\(error)"]
            )
            continue
          }
          guard found.isComplete else { return interrupted(ended) }
          try await record(found, of: backup, &report)
          ended.verification = report
        }
      }
    } catch {
      return failed(ended, "The catalog is out of reach.")
    }
    ended.verification = report
    return fault.map { failed(ended, $0.sentence) } ?? completed(ended)
  }

  /// Reads damaged backups again whose bad chunks have come back, as the next backup that holds them
  /// stores them.
  func heal() async throws(CatalogFault) {
    let node = node
    let damaged = try await catalog.read { transaction throws -> [(Backup, [DamagedPart])] in
      try transaction.backups(in: [.damaged])
        .filter { try transaction.vps($0.vpsID)?.node == node }
        .map { ($0, try transaction.damage(of: $0.id)) }
    }
    for (backup, parts) in damaged where mayLook(at: backup) {
      guard !Task.isCancelled else { return }
      let found: SnapshotFindings?
      do throws(DatastoreError) {
        found = try await areBack(parts) ? findings(of: backup, VerifiedChunks()) : nil
      } catch {
        noteVainLook(at: backup)
        logger.warning(
          "damaged backup not read",
          metadata: ["backup.id": "\(backup.id)", "error": "\(error)"]
        )
        continue
      }
      guard let found else { continue }
      guard found.isComplete else { return }
      var report = VerificationReport()
      try await record(found, of: backup, &report)
      if report.healedCount == 0 { noteVainLook(at: backup) }
    }
  }

  /// A backup whose chunks are back and that is damaged all the same is looked at rarely.
  private func mayLook(at backup: Backup) -> Bool {
    let now = clock.now()
    return vainLooks.withLock { looks in
      guard let last = looks[backup.id] else { return true }
      return last.advanced(by: Limits.careRetry) <= now || now < last
    }
  }

  private func noteVainLook(at backup: Backup) {
    let now = clock.now()
    vainLooks.withLock { $0[backup.id] = now }
  }

  /// Whether everything that was bad may be good by now; without a list that is for a look to tell.
  private func areBack(_ parts: [DamagedPart]) async throws(DatastoreError) -> Bool {
    for part in parts {
      switch part.kind {
      case .file: return false
      case .chunk: guard try await datastore.hasChunk(named: part.name) else { return false }
      }
    }
    return true
  }

  private func backups(of task: StoreTask) async throws(CatalogFault) -> [Backup] {
    let node = node
    return try await catalog.read { transaction throws -> [Backup] in
      if let id = task.backupID {
        guard let backup = try transaction.backup(id),
          backup.state == .complete || backup.state == .damaged
        else { return [] }
        return [backup]
      }
      return try transaction.backupsToVerify(
        node: node,
        before: task.verifiedBefore ?? task.createdAt,
        limit: Limits.verifyPage
      )
    }
  }

  private func findings(
    of backup: Backup,
    _ known: VerifiedChunks
  ) async throws(DatastoreError) -> SnapshotFindings {
    guard let path = backup.snapshotPath.flatMap(SnapshotPath.init(relative:)) else {
      throw .invalidName(backup.snapshotPath ?? "")
    }
    return try await datastore.verify(path, known: known, rate: rate)
  }

  /// Writes a verdict down, and adds it to the report.
  private func record(
    _ findings: SnapshotFindings,
    of backup: Backup,
    _ report: inout VerificationReport
  ) async throws(CatalogFault) {
    let (now, actor) = (clock.now(), actor)
    let before = try await catalog.write { transaction throws -> BackupState? in
      guard let before = try transaction.backup(backup.id)?.state,
        try transaction.recordVerification(of: backup.id, at: now, damage: findings.damage)
      else { return nil }
      let after = findings.damage.isEmpty ? BackupState.complete : .damaged
      guard after != before else { return before }
      try transaction.append(
        AuditEntry(
          at: now,
          actor: actor,
          action: after == .damaged ? "backup.damaged" : "backup.healed",
          subject: backup.id.text,
          detail: findings.damage.first.map { "\($0.kind.rawValue) \($0.name)" }
        )
      )
      return before
    }
    report.backupCount += 1
    report.chunkCount += findings.chunkCount
    report.badChunkCount += findings.badChunkCount
    report.bytesRead += findings.bytesRead
    // One that was removed meanwhile is neither.
    guard let before else { return }
    if !findings.damage.isEmpty {
      report.damagedCount += 1
      logger.error(
        "backup is damaged",
        metadata: ["backup.id": "\(backup.id)", "parts": "\(findings.damage.count)"]
      )
    } else if before == .damaged {
      report.healedCount += 1
      logger.notice("backup is whole again", metadata: ["backup.id": "\(backup.id)"])
    }
  }
}
