/// What is done to a datastore as a whole.
///
/// Stored: append only.
package enum StoreTaskKind: String, Sendable, Codable, CaseIterable {
  /// Collect garbage.
  case collect
  /// Read backups, every byte, and look whether they are what was stored.
  case verify
}

/// How far such a task has come.
///
/// Stored: append only.
package enum StoreTaskState: String, Sendable, CaseIterable {
  case queued, running, completed, failed

  /// Whether it has ended.
  package var isFinal: Bool { self == .completed || self == .failed }
}

/// A task on a node's datastore: asked for by an operator or due by itself, done by the node's
/// worker, one at a time.
package struct StoreTask: Sendable, Equatable {
  /// Its number, which grows; 0 until it is stored.
  package var number: Int64
  /// Whose datastore it is about.
  package var node: String
  /// What it does.
  package var kind: StoreTaskKind
  /// The only backup to verify; nil: all that `verifiedBefore` names.
  package var backupID: BackupID?
  /// Verify what was last verified before this moment.
  package var verifiedBefore: Timestamp?
  /// Who asked for it, as the audit log names it.
  package var actor: String
  /// How far it has come.
  package var state: StoreTaskState
  /// 0…100.
  package var percent: Int
  /// What it does now, in a few words.
  package var message: String
  /// What a collection came to, also of one that was interrupted.
  package var garbage: GarbageReport?
  /// What a verification came to.
  package var verification: VerificationReport?
  /// Why it failed, in a sentence.
  package var failure: String?
  /// When it was asked for.
  package var createdAt: Timestamp
  /// When it ended.
  package var finishedAt: Timestamp?

  /// Makes a task that has yet to begin.
  package init(
    number: Int64 = 0,
    node: String,
    kind: StoreTaskKind,
    backupID: BackupID? = nil,
    verifiedBefore: Timestamp? = nil,
    actor: String,
    state: StoreTaskState = .queued,
    percent: Int = 0,
    message: String = "",
    garbage: GarbageReport? = nil,
    verification: VerificationReport? = nil,
    failure: String? = nil,
    createdAt: Timestamp,
    finishedAt: Timestamp? = nil
  ) {
    self.number = number
    self.node = node
    self.kind = kind
    self.backupID = backupID
    self.verifiedBefore = verifiedBefore
    self.actor = actor
    self.state = state
    self.percent = percent
    self.message = message
    self.garbage = garbage
    self.verification = verification
    self.failure = failure
    self.createdAt = createdAt
    self.finishedAt = finishedAt
  }
}
