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
}
