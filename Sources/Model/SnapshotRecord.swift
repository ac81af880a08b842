import Foundation

/// What a snapshot says of its backup, so that a catalog that is older than it can take it up.
///
/// Stored in snapshots: members are append-only, and later ones optional.
package struct SnapshotRecord: Sendable, Equatable, Codable {
  /// The name of the member of a manifest's `rehome` object that holds a record's text.
  package static let member = "record"

  /// The backup.
  package var backupID: BackupID
  /// Whose it is.
  package var clientID: ClientID
  /// Of which VPS it was made.
  package var vpsID: VPSID
  /// Who asked for it.
  package var type: BackupType
  /// The client's own words; nil: none.
  package var note: String?
  /// When it was asked for.
  package var createdAt: Timestamp
  /// What it holds.
  package var contents: BackupContents

  /// The record of a backup that holds this.
  package init(of backup: Backup, _ contents: BackupContents) {
    backupID = backup.id
    clientID = backup.clientID
    vpsID = backup.vpsID
    type = backup.type
    note = backup.note
    createdAt = backup.createdAt
    self.contents = contents
  }

  /// Reads a record's text; nil for anything else.
  package init?(text: String) {
    guard let record = try? JSONDecoder().decode(Self.self, from: Data(text.utf8)) else {
      return nil
    }
    self = record
  }

  /// The record as the text that a manifest holds.
  package var text: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    // Nothing in it has no text in JSON; without one the snapshot is only not taken up.
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }

  /// The backup as a catalog takes it up: damaged until every byte of it was read.
  package func backup(at snapshotPath: String) -> Backup {
    Backup(
      id: backupID,
      clientID: clientID,
      vpsID: vpsID,
      state: .damaged,
      type: type,
      note: note,
      createdAt: createdAt,
      snapshotPath: snapshotPath,
      contents: contents
    )
  }
}
