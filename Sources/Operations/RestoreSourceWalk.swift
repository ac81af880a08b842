import Catalog
import Model

/// Where a list of restore sources goes on.
struct RestoreSourcePlace: Equatable {
  /// The first VPS to look at.
  var vps: VPSID
  /// Behind which of its backups; nil: with its newest.
  var after: BackupPlace?

  init(vps: VPSID, after: BackupPlace? = nil) {
    self.vps = vps
    self.after = after
  }

  /// Reads what a cursor holds of it.
  init(cursorPart text: String) throws(Refusal) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, let vps = VPSID(first) else { throw .invalidCursor }
    let after = try parts.dropFirst().first.map { part throws(Refusal) in
      try BackupPlace(cursorPart: String(part))
    }
    self.init(vps: vps, after: after)
  }

  /// What a cursor holds of it.
  var cursorPart: String { vps.text + (after.map { "/" + $0.cursorPart } ?? "") }
}

/// Collects a page of the VPSs whose backups may be put onto a target.
///
/// Three bounds end a page, whatever the client has: so many sources, so many backups in all, so many
/// VPSs looked at.
struct RestoreSourceWalk {
  /// A source and those of its backups that are on the page.
  struct Found {
    let vps: VPS
    let backups: [Backup]
  }

  private let target: VPS
  private let start: RestoreSourcePlace?
  private let limit: Int
  private let now: Timestamp
  private var found: [Found] = []
  /// How many more backups may be read.
  private var room = Limits.restoreChoices
  /// Where the next page starts; nil: this is the last.
  private(set) var next: RestoreSourcePlace?

  init(target: VPS, start: RestoreSourcePlace?, limit: Int, now: Timestamp) {
    self.target = target
    self.start = start
    self.limit = limit
    self.now = now
  }

  mutating func run(_ transaction: any CatalogTransaction) throws(CatalogError) -> [Found] {
    let owners = try transaction.backupOwners(
      ofClient: target.clientID,
      in: [.complete],
      from: start?.vps,
      limit: Limits.restoreOwners + 1
    )
    for owner in owners.prefix(Limits.restoreOwners)
    where owner.hasBackups && owner.vpsID != target.id {
      guard found.count < limit, room > 0 else {
        next = RestoreSourcePlace(vps: owner.vpsID)
        return found
      }
      try visit(owner.vpsID, transaction)
      if next != nil { return found }
    }
    if owners.count > Limits.restoreOwners {
      next = owners.last.map { RestoreSourcePlace(vps: $0.vpsID) }
    }
    return found
  }

  /// Takes what there is room for of one source's backups, newest first.
  private mutating func visit(
    _ id: VPSID,
    _ transaction: any CatalogTransaction
  ) throws(CatalogError) {
    let read = try transaction.backups(
      of: id,
      in: [.complete],
      after: id == start?.vps ? start?.after : nil,
      limit: room + 1
    )
    let page = read.prefix(room)
    room -= page.count
    if read.count > page.count, let last = page.last {
      next = RestoreSourcePlace(vps: id, after: BackupPlace(last))
    }
    let usable = page.filter { $0.clientID == target.clientID && $0.isRestorable(at: now) }
    guard !usable.isEmpty, let source = try transaction.vps(id) else { return }
    found.append(Found(vps: source, backups: usable))
  }
}
