import Model
import Operations

/// A page of the VPSs whose backups may be put onto a target.
struct RestoreSourcesWire: Encodable {
  let sources: [RestoreSourceWire]
  let hasMore: Bool
  @NullWhenNil var nextCursor: String?

  init(_ page: Page<RestoreSource>) {
    sources = page.items.map(RestoreSourceWire.init)
    hasMore = page.nextCursor != nil
    nextCursor = page.nextCursor
  }
}

/// One of them, live or with nothing but its backups left.
struct RestoreSourceWire: Encodable {
  /// Whether a source is a VPS still or only its retained backups.
  enum Kind: String, Encodable {
    case server, retained
  }

  /// A backup of it, and whether it fits the target.
  struct Choice: Encodable {
    let backup: BackupWire
    let restorable: RestorableWire

    private enum Key: CodingKey {
      case restorable
    }

    func encode(to encoder: any Encoder) throws {
      try backup.encode(to: encoder)
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(restorable, forKey: .restorable)
    }
  }

  let id: String
  let name: String
  let serviceStatus: ServiceStatus
  let sourceType: Kind
  let backups: [Choice]

  init(_ source: RestoreSource) {
    id = source.vps.id.text
    name = source.vps.name
    serviceStatus = source.vps.serviceStatus
    sourceType = source.isRetained ? .retained : .server
    backups = source.choices.map {
      Choice(
        backup: BackupWire($0.backup),
        restorable: RestorableWire($0.restorable, pairs: $0.pairs)
      )
    }
  }
}

/// The gate of one backup onto one target, with which disk would go where.
struct RestorableWire: Encodable {
  /// One of the backup's disks and the target's disk that would get it, by device name.
  struct Disk: Encodable {
    let source: String
    let target: String
  }

  let allowed: Bool
  @NullWhenNil var reason: String?
  @NullWhenNil var code: String?
  let disks: [Disk]

  init(_ gate: Gate, pairs: [DiskPair]) {
    allowed = gate.allowed
    reason = gate.reason
    code = gate.code
    disks = pairs.map { Disk(source: $0.source.device, target: $0.target.device) }
  }
}
