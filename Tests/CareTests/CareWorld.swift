import Care
import Catalog
import Checksum
import Datastore
import Disks
import Foundation
import Logging
import Model
import TestSupport
import Testing

/// A catalog with a VPS, and a store in which its backups are; the time of both is a test's.
struct CareWorld: Sendable {
  static let chunkSize = 1 << 16
  static let never = CareSchedule(collectEvery: nil, verifyEvery: nil)

  let root: String
  let clock: ManualClock
  private(set) var catalog: SQLiteCatalog
  let store: LocalDatastore
  let vps: VPS
  private let identifiers: IdentifierFactory

  /// Makes a world in the test's scratch directory.
  init() async throws {
    let folder = ScratchDirectory.path
    root = "\(folder)/store"
    try FileManager.default.createDirectory(
      atPath: "\(root)/.chunks",
      withIntermediateDirectories: true
    )
    clock = ManualClock(Timestamp(seconds: 2_000_000_000))
    identifiers = IdentifierFactory(clock: clock)
    catalog = try SQLiteCatalog(path: "\(folder)/catalog.sqlite")
    store = try LocalDatastore(
      path: root,
      sync: .none,
      executor: BlockingExecutor(label: "test.care", width: 4),
      clock: clock,
      logger: .quiet
    )
    let fixture = CatalogFixture(catalog: catalog)
    vps = try await fixture.vps(of: fixture.client())
  }

  /// The same world with another catalog.
  func with(_ catalog: SQLiteCatalog) -> CareWorld {
    var other = self
    other.catalog = catalog
    return other
  }

  func keeper(_ schedule: CareSchedule = CareWorld.never) -> StoreKeeper {
    StoreKeeper(
      catalog: catalog,
      datastore: store,
      node: CatalogFixture.node,
      schedule: schedule,
      clock: clock,
      rate: RateLimiter(),
      logger: .quiet
    )
  }

  func days(_ count: Double) { clock.advance(by: .seconds(count * 86_400)) }

  /// Makes a complete backup of a disk.
  func backUp(
    _ disk: [UInt8],
    of other: VPS? = nil,
    recorded: Bool = false
  ) async throws -> Backup {
    let vps = other ?? vps
    let writer = try await store.begin(
      namespace: [vps.clientID.text],
      id: vps.id.text,
      notBefore: clock.now().seconds
    )
    let index = try writer.beginIndex(
      "drive-virtio0.img.fidx",
      size: Int64(disk.count),
      chunkSize: Self.chunkSize
    )
    for chunk in 0..<index.chunkCount {
      let start = chunk * Self.chunkSize
      let plain = Array(disk[start..<start + index.length(of: chunk)])
      let lent = AlignedBuffer(capacity: Self.chunkSize)
      lent.withMutableBytes(plain.count) { target in
        plain.withRawBytes { copy($0, into: &target) }
      }
      try await index.put(chunk: chunk, lent, count: plain.count)
    }
    try await index.close()
    let contents = BackupContents(disks: [], firmware: .bios, hasTPM: false, isFrozen: false)
    let backup = Backup(
      id: identifiers.make(),
      clientID: vps.clientID,
      vpsID: vps.id,
      state: .complete,
      type: .manual,
      createdAt: clock.now(),
      snapshotPath: writer.path.relative,
      contents: contents
    )
    let record = SnapshotRecord(of: backup, contents).text
    _ = try await writer.finish(
      unprotected: recorded ? ["rehome": .object([SnapshotRecord.member: .string(record)])] : [:]
    )
    try await catalog.write { try $0.insert(backup) }
    return backup
  }

  /// The file of a chunk.
  func file(of plain: [UInt8]) -> String {
    let name = plain.withRawBytes { Digest(sha256: $0) }.description
    return "\(root)/.chunks/\(name.prefix(4))/\(name)"
  }

  /// Changes the last byte of a chunk's file.
  func harm(_ plain: [UInt8]) throws {
    var bytes = try Data(contentsOf: URL(filePath: file(of: plain)))
    bytes[bytes.count - 1] ^= 1
    try bytes.write(to: URL(filePath: file(of: plain)))
  }

  func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  func state(_ backup: Backup) async throws -> BackupState? {
    try await catalog.read { try $0.backup(backup.id)?.state }
  }

  /// Asks for a task, as an operator's command does.
  @discardableResult
  func ask(_ kind: StoreTaskKind, _ backup: Backup? = nil) async throws -> StoreTask {
    let task = StoreTask(
      node: CatalogFixture.node,
      kind: kind,
      backupID: backup?.id,
      verifiedBefore: clock.now().advanced(by: .milliseconds(1)),
      actor: "operator:test",
      createdAt: clock.now()
    )
    return try await catalog.write { try $0.insert(task) }
  }

  func task(_ number: Int64) async throws -> StoreTask {
    try #require(try await catalog.read { try $0.storeTask(number) })
  }

  func tasks(_ kind: StoreTaskKind) async throws -> [StoreTask] {
    try await catalog.read {
      try $0.storeTasks(node: CatalogFixture.node, kind: kind, limit: 100)
    }
  }
}

/// Bytes that no packer makes shorter, different for each call.
func noise(_ count: Int = CareWorld.chunkSize) -> [UInt8] {
  [UInt8](FileHandle(forReadingAtPath: "/dev/urandom")?.readData(ofLength: count) ?? Data())
}
