import Model
import Operations

/// A backup as its lists show it.
struct BackupWire: Encodable {
  let id: String
  let displayId: String
  let storageKey: String
  let createdAt: String
  let sizeGb: Double
  let sizeBytes: Int64
  let backupType: BackupType
  let state: BackupState
  let note: String?
  @NullWhenNil var expiresAt: String?

  init(_ backup: Backup) {
    id = backup.id.text
    displayId = backup.displayID
    storageKey = backup.storageKey
    createdAt = backup.createdAt.text
    sizeBytes = backup.contents?.sizeBytes ?? 0
    sizeGb = Sizes.gb(sizeBytes)
    backupType = backup.type
    state = backup.state
    note = backup.note
    expiresAt = backup.expiresAt?.text
  }
}

/// A page of a VPS's backups with its quota and its gates.
struct BackupListWire: Encodable {
  /// How many backups count, and how many may; without a limit both others are left out.
  struct Quota: Encodable {
    let used: Int
    let limit: Int?
    let remaining: Int?

    init(used: Int, limit: Int?) {
      self.used = used
      self.limit = limit
      remaining = limit.map { max(0, $0 - used) }
    }
  }

  let backups: [BackupWire]
  let hasMore: Bool
  @NullWhenNil var nextCursor: String?
  let quotaInfo: Quota
  let actions: GatesWire

  init(_ list: BackupList) {
    backups = list.backups.map(BackupWire.init)
    hasMore = list.page.nextCursor != nil
    nextCursor = list.page.nextCursor
    quotaInfo = Quota(used: list.view.backupsUsed, limit: list.view.vps.backupLimit)
    actions = GatesWire(list.view.gates)
  }
}
