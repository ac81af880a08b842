package import Model

/// Who did what, for good.
package struct AuditEntry: Sendable, Equatable {
  /// When.
  package var at: Timestamp
  /// Who: `key:<id>`, `operator:<login>` or `worker:<node>`.
  package var actor: String
  /// What, such as `restore.accept`.
  package var action: String
  /// To what, an identifier.
  package var subject: String
  /// From where; nil for commands and workers.
  package var address: String?
  /// In which request; nil for commands and workers.
  package var requestID: RequestID?
  /// More, such as the identifier of what was made; nil: nothing more.
  package var detail: String?

  /// Makes an entry.
  package init(
    at: Timestamp,
    actor: String,
    action: String,
    subject: String,
    address: String? = nil,
    requestID: RequestID? = nil,
    detail: String? = nil
  ) {
    self.at = at
    self.actor = actor
    self.action = action
    self.subject = subject
    self.address = address
    self.requestID = requestID
    self.detail = detail
  }
}

/// An entry with its place in the log.
package struct AuditRecord: Sendable, Equatable {
  /// Its place: each entry's is greater than those of all before it.
  package var sequence: Int64
  /// The entry.
  package var entry: AuditEntry

  /// Makes a record.
  package init(sequence: Int64, entry: AuditEntry) {
    self.sequence = sequence
    self.entry = entry
  }
}

/// Which entries of the audit log a list holds.
package struct AuditFilter: Sendable, Equatable {
  /// Not from before this moment; nil: from the start.
  package var since: Timestamp?
  /// By this actor; nil: by anybody.
  package var actor: String?
  /// Of this; nil: of anything.
  package var subject: String?
  /// With this action; nil: with any.
  package var action: String?
  /// Before this place; nil: from the newest on.
  package var before: Int64?
  /// At most so many.
  package var limit: Int

  /// Makes a filter; the defaults list the newest entries.
  package init(
    since: Timestamp? = nil,
    actor: String? = nil,
    subject: String? = nil,
    action: String? = nil,
    before: Int64? = nil,
    limit: Int = Limits.pageMaximum
  ) {
    self.since = since
    self.actor = actor
    self.subject = subject
    self.action = action
    self.before = before
    self.limit = limit
  }
}

/// The audit log: append only.
package protocol AuditStore {
  /// Adds an entry.
  func append(_ entry: AuditEntry) throws(CatalogError)
  /// The entries of a filter, newest first.
  func auditRecords(_ filter: AuditFilter) throws(CatalogError) -> [AuditRecord]
}

extension AuditStore {
  /// The newest entries, newest first.
  package func auditEntries(limit: Int) throws(CatalogError) -> [AuditEntry] {
    try auditRecords(AuditFilter(limit: limit)).map(\.entry)
  }
}
