package import Catalog
package import Model

extension Operations {
  /// A page of a client's VPSs, or of all.
  package func listVPS(
    _ caller: Caller,
    name: String? = nil,
    primaryAddress: IPAddress? = nil,
    cursor: String? = nil,
    limit: Int = Limits.pageDefault
  ) async throws(Refusal) -> Page<VPSView> {
    try caller.require(.readVM)
    let cursors = ListCursor(
      list: "vps",
      client: caller.clientID,
      filters: [name.map(FoldedText.of), primaryAddress?.text]
    )
    let after = try cursor.map { text throws(Refusal) in
      guard let id = VPSID(try cursors.position(in: text)) else { throw .invalidCursor }
      return id
    }
    return try await read { transaction in
      let found = try transaction.listVPS(
        VPSFilter(
          clientID: caller.clientID,
          name: name,
          primaryAddress: primaryAddress,
          after: after,
          limit: limit + 1
        )
      )
      let page = found.prefix(limit)
      return Page(
        items: try page.map { try self.view(of: $0, for: caller, transaction) },
        nextCursor: found.count > limit ? page.last.map { cursors.text(after: $0.id.text) } : nil
      )
    }
  }

  /// One VPS with its gates.
  package func vps(_ caller: Caller, _ id: String) async throws(Refusal) -> VPSView {
    try caller.require(.readVM)
    return try await read { transaction in
      try self.view(of: self.find(id, for: caller, transaction), for: caller, transaction)
    }
  }

  /// A VPS's backups, its quota and its gates.
  package func backups(_ caller: Caller, of id: String) async throws(Refusal) -> BackupList {
    try caller.require(.readVM)
    return try await read { transaction in
      let vps = try self.find(id, for: caller, transaction)
      let expiries = try Retention.expiries(of: vps.id, at: self.clock.now(), transaction)
      let backups = try transaction.backups(of: vps.id, in: [.complete, .damaged]).map { backup in
        var shown = backup
        shown.expiresAt = backup.expiresAt ?? expiries[backup.id]
        return shown
      }
      return BackupList(
        view: try self.view(of: vps, for: caller, transaction),
        backups: backups
      )
    }
  }

  /// The VPSs, live or terminated, whose backups may be put onto a target, without the target.
  package func restoreSources(
    _ caller: Caller,
    for id: String
  ) async throws(Refusal) -> [RestoreSource] {
    try caller.require(.backupVM)
    let now = clock.now()
    return try await read { transaction in
      let target = try self.find(id, for: caller, transaction)
      guard target.serviceStatus != .terminated else { throw Refusal.notFound }
      let backups = try transaction.backups(ofClient: target.clientID, in: [.complete])
        .filter { $0.vpsID != target.id && $0.isRestorable(at: now) }
      let reserved = try Self.reservedBytes(beside: target, transaction)
      let bySource = Dictionary(grouping: backups, by: \.vpsID)
      return try bySource.keys.sorted().compactMap { sourceID in
        guard let source = try transaction.vps(sourceID), source.clientID == target.clientID
        else { return nil }
        return RestoreSource(
          vps: source,
          isRetained: source.serviceStatus == .terminated,
          choices: (bySource[sourceID] ?? []).map { self.choice($0, onto: target, reserved) }
        )
      }
    }
  }

  /// A job of the caller's.
  package func job(_ caller: Caller, _ id: String) async throws(Refusal) -> Job {
    try await read { try self.findJob(id, for: caller, $0) }
  }

  /// Jobs, newest first.
  package func jobs(
    _ caller: Caller,
    vps id: String? = nil,
    limit: Int = Limits.pageMaximum
  ) async throws(Refusal) -> [Job] {
    try await read { transaction in
      let vps = try id.map { try self.find($0, for: caller, transaction) }
      return try transaction.jobs(
        JobFilter(clientID: caller.clientID, vpsID: vps?.id, limit: limit)
      )
    }
  }

  /// What is kept to take a VPS's last restore back.
  package func undoRecord(of vps: VPSID) async throws(Refusal) -> UndoRecord? {
    try await read { try $0.undo(of: vps) }
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
