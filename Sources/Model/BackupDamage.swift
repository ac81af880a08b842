/// A part of a backup that was found missing or bad.
package struct DamagedPart: Hashable, Sendable {
  /// What kind of part it is.
  ///
  /// Stored: append only.
  package enum Kind: String, Sendable, CaseIterable {
    /// A chunk, by its digest: a later backup that holds it heals this one.
    case chunk
    /// A file of the snapshot, by its name: nothing heals it.
    case file
  }

  /// What kind of part it is.
  package var kind: Kind
  /// Which one.
  package var name: String

  /// Names a part.
  package init(_ kind: Kind, _ name: String) {
    self.kind = kind
    self.name = name
  }
}

/// What a look at every byte of some backups found.
///
/// Stored with the task that it was: members are append-only.
package struct VerificationReport: Sendable, Equatable, Codable {
  /// Backups that were looked at.
  package var backupCount = 0
  /// Those of them that are damaged.
  package var damagedCount = 0
  /// Those that were damaged before and are whole again.
  package var healedCount = 0
  /// Chunks that were read, each once.
  package var chunkCount = 0
  /// Chunks that are missing or bad.
  package var badChunkCount = 0
  /// The bytes of the chunks that were read.
  package var bytesRead: Int64 = 0

  /// Makes the report of a verification that has yet to begin.
  package init() {}
}
