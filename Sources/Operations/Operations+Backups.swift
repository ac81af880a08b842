import Catalog
package import Model

extension Operations {
  /// A page of a VPS's backups, or all of them for who gives no limit, its quota and its gates.
  package func backups(
    _ caller: Caller,
    of id: String,
    cursor: String? = nil,
    limit: Int? = nil
  ) async throws(Refusal) -> BackupList {
    try caller.require(.readVM)
    let cursors = ListCursor(list: "backups", client: caller.clientID, filters: [id])
    let after = try cursor.map { text throws(Refusal) in
      try BackupPlace(cursorPart: cursors.position(in: text))
    }
    return try await read { transaction in
      let vps = try self.find(id, for: caller, transaction)
      let found = try transaction.backups(
        of: vps.id,
        in: [.complete, .damaged],
        after: after,
        limit: limit.map { $0 + 1 } ?? .max
      )
      let page = found.prefix(limit ?? .max)
      let expiries = try Retention.expiries(of: vps.id, at: self.clock.now(), transaction)
      let backups = page.map { backup in
        var shown = backup
        shown.expiresAt = backup.expiresAt ?? expiries[backup.id]
        return shown
      }
      return BackupList(
        view: try self.view(of: vps, for: caller, transaction),
        page: Page(
          items: backups,
          nextCursor: found.count > page.count
            ? page.last.map { cursors.text(after: BackupPlace($0).cursorPart) } : nil
        )
      )
    }
  }

  /// A page of the VPSs, live or terminated, whose backups may be put onto a target, without the
  /// target.
  ///
  /// It ends early where the backups of its sources, or the VPSs that had to be looked at for them,
  /// are too many: the next page goes on there, be it in the middle of a source.
  package func restoreSources(
    _ caller: Caller,
    for id: String,
    cursor: String? = nil,
    limit: Int = Limits.pageDefault
  ) async throws(Refusal) -> Page<RestoreSource> {
    try caller.require(.backupVM)
    let cursors = ListCursor(list: "restore-sources", client: caller.clientID, filters: [id])
    let start = try cursor.map { text throws(Refusal) in
      try RestoreSourcePlace(cursorPart: cursors.position(in: text))
    }
    let now = clock.now()
    return try await read { transaction in
      let target = try self.find(id, for: caller, transaction)
      guard target.serviceStatus != .terminated else { throw Refusal.notFound }
      var walk = RestoreSourceWalk(target: target, start: start, limit: limit, now: now)
      let found = try walk.run(transaction)
      let reserved = try Self.reservedBytes(beside: target, transaction)
      return Page(
        items: found.map { source in
          RestoreSource(
            vps: source.vps,
            isRetained: source.vps.serviceStatus == .terminated,
            choices: source.backups.map { self.choice($0, onto: target, reserved) }
          )
        },
        nextCursor: walk.next.map { cursors.text(after: $0.cursorPart) }
      )
    }
  }

  private func choice(
    _ backup: Backup,
    onto target: VPS,
    _ reservedBytes: Int64
  ) -> RestoreSource.Choice {
    do throws(Refusal) {
      let plan = try Self.fit(
        backup,
        onto: target,
        strategy: policy.defaultStrategy,
        reservedBytes: reservedBytes
      )
      return RestoreSource.Choice(backup: backup, restorable: .open, pairs: plan.pairs)
    } catch {
      return RestoreSource.Choice(
        backup: backup,
        restorable: Gate(closedByFit: error),
        pairs: []
      )
    }
  }
}

extension Gate {
  /// The gate of a backup that doesn't fit: the first fault's own word, as its POST would answer.
  init(closedByFit refusal: Refusal) {
    self.init(closedBy: refusal)
    guard case .invalidRequest(let faults) = refusal, let first = faults.first else { return }
    code = first.code.rawValue
    reason = first.detail
  }
}

extension BackupPlace {
  init(_ backup: Backup) {
    self.init(createdAt: backup.createdAt, id: backup.id)
  }

  /// Reads what a cursor holds of it.
  init(cursorPart text: String) throws(Refusal) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, let time = Int64(parts[0]), let id = BackupID(parts[1]) else {
      throw .invalidCursor
    }
    self.init(createdAt: Timestamp(milliseconds: time), id: id)
  }

  /// What a cursor holds of it: the time, too, for the backup may be gone when the cursor comes back.
  var cursorPart: String { "\(createdAt.milliseconds)/\(id.text)" }
}
