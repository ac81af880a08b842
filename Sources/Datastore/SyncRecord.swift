internal import Disks
internal import FoundationEssentials
internal import Synchronization

/// What of a store is known to be on the disk, and which chunks a crash of the host may have left half.
///
/// Where a file system is synced once a snapshot, a chunk has its name before its content is durable: after a
/// loss of power the name may stand there with a part of it. Chunks written since the last sync are
/// doubtful after another boot, and are read before anybody relies on one. What a finished snapshot names was
/// synced before, or was read.
final class SyncRecord: Sendable {
  /// Chunks last written within these seconds, both included; `Int.max`: it isn't known yet until when.
  struct Doubt: Equatable, Codable {
    var from: Int
    var to: Int
  }

  private struct Content: Equatable, Codable {
    /// The boot of the host in which the store was last open.
    var bootID: String
    /// Everything written before this second is on the disk, or doubtful.
    var syncedAt: Int
    var doubts: [Doubt]
  }

  private static let longestByteCount = 16_384
  private static let mostDoubts = 64

  private let layout: StoreLayout
  private let content: Mutex<Content>

  /// Reads the record of a store; a store without one is taken as it is.
  init(
    _ layout: StoreLayout,
    bootID: String,
    now: Int,
    _ files: FileCalls
  ) throws(DatastoreError) {
    self.layout = layout
    let found = try Self.load(layout, files)
    // A file's time is the kernel's, which is a little behind.
    var content = found ?? Content(bootID: bootID, syncedAt: now - 1, doubts: [])
    if content.bootID != bootID {
      content.bootID = bootID
      // Open until something was synced: a host whose clock isn't set yet would end it too early.
      content.doubts.append(Doubt(from: content.syncedAt, to: .max))
      if content.doubts.count > Self.mostDoubts {
        let oldest = content.doubts.removeFirst()
        content.doubts[0].from = min(oldest.from, content.doubts[0].from)
      }
    }
    self.content = Mutex(content)
    if content != found { try Self.save(content, layout, files) }
  }

  /// Whether a chunk last written in this second may be half.
  func isDoubtful(writtenAt second: Int) -> Bool {
    content.withLock { $0.doubts.contains { ($0.from...$0.to).contains(second) } }
  }

  /// Notes that everything written before this second is on the disk now.
  func didSync(before second: Int, _ files: FileCalls) throws(DatastoreError) {
    let content = content.withLock { content in
      content.syncedAt = max(content.syncedAt, second - 1)
      // A clock that is still behind what it doubts says nothing of where that ends.
      for place in content.doubts.indices
      where content.doubts[place].to == .max && second > content.doubts[place].from {
        content.doubts[place].to = second
      }
      return content
    }
    try Self.save(content, layout, files)
  }

  private static func load(
    _ layout: StoreLayout,
    _ files: FileCalls
  ) throws(DatastoreError) -> Content? {
    guard case .bytes(let bytes) = try files.read(layout.syncRecord, limit: longestByteCount)
    else { return nil }
    return try? JSONDecoder().decode(Content.self, from: Data(bytes))
  }

  /// Without room, or with another's record in place, the old one says less, which only costs reading.
  private static func save(
    _ content: Content,
    _ layout: StoreLayout,
    _ files: FileCalls
  ) throws(DatastoreError) {
    guard let json = try? JSONEncoder().encode(content) else { return }
    let temporary =
      "\(layout.syncRecord).tmp_\(String(UInt64.random(in: 0...UInt64.max), radix: 16))"
    do throws(DatastoreError) {
      try files.create(temporary, [UInt8](json), sync: true)
      try files.rename(temporary, to: layout.syncRecord)
      try files.syncDirectory(layout.root)
    } catch .outOfSpace {
      return
    }
  }
}
