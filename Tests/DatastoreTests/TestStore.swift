import Checksum
import Datastore
import Disks
import Foundation
import Model
import Monitoring
import Testing

/// Runs `body` with an empty folder that is removed afterwards.
func withScratch<Result>(_ body: (String) async throws -> Result) async throws -> Result {
  let path = NSTemporaryDirectory() + "/rehome-datastore-" + UUID().uuidString
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try await body(path)
}

/// An open store in a scratch folder, with the ways to look at and to damage its files.
struct TestStore: Sendable {
  static let executor = BlockingExecutor(label: "test.datastore", width: 4)

  let root: String
  let store: LocalDatastore
  let registry = MetricRegistry()

  /// Opens the store at `root`; chunk folders come into being as they are needed, since making
  /// all 65 536 for each test would take longer than the test.
  init(
    root: String,
    sync: SyncLevel = .none,
    clock: any WallClock = SystemWallClock(),
    bootID: String = "this boot"
  ) throws {
    self.root = root
    try FileManager.default.createDirectory(
      atPath: root + "/.chunks",
      withIntermediateDirectories: true
    )
    store = try LocalDatastore(
      path: root,
      sync: sync,
      executor: Self.executor,
      clock: clock,
      bootID: bootID,
      metrics: registry
    )
  }

  func file(of digest: Digest) -> String {
    "\(root)/.chunks/\(digest.description.prefix(4))/\(digest)"
  }

  func folder(of path: SnapshotPath) -> String { "\(root)/\(path.relative)" }

  func read(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(filePath: path)))
  }

  func write(_ bytes: [UInt8], to path: String) throws {
    try FileManager.default.createDirectory(
      atPath: (path as NSString).deletingLastPathComponent,
      withIntermediateDirectories: true
    )
    try Data(bytes).write(to: URL(filePath: path))
  }

  func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  /// Flips the lowest bit of one byte of a file.
  func flip(_ path: String, at offset: Int) throws {
    var bytes = try read(path)
    bytes[offset] ^= 1
    try write(bytes, to: path)
  }

  /// All files below the root, but for those of the chunk store.
  func filesOutsideChunks() throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: root)
      .filter { !$0.hasPrefix(".chunks") }
      .filter { path in
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(root)/\(path)")
        return attributes[.type] as? FileAttributeType == .typeRegular
      }
      .sorted()
  }

  /// Writes one disk in chunks of `chunkSize` as a snapshot, zero chunks as holes.
  @discardableResult
  func backUp(
    _ disk: [UInt8],
    namespace: [String] = ["cli_a"],
    id: String = "vps_a",
    at time: Int64 = 1000,
    chunkSize: Int = 1 << 16,
    blobs: [String: [UInt8]] = [:],
    unprotected: [String: JSONValue] = [:]
  ) async throws -> SnapshotWriter {
    let writer = try await store.begin(namespace: namespace, id: id, notBefore: time)
    let index = try writer.beginIndex(
      "drive-virtio0.img.fidx",
      size: Int64(disk.count),
      chunkSize: chunkSize
    )
    try await put(disk, in: index)
    try await index.close()
    for (name, bytes) in blobs.sorted(by: { $0.key < $1.key }) {
      try await writer.addBlob(name, bytes)
    }
    _ = try await writer.finish(unprotected: unprotected)
    return writer
  }

  /// Puts every chunk of a disk.
  @discardableResult
  func put(_ disk: [UInt8], in index: IndexBuilder) async throws -> [ChunkOutcome] {
    var outcomes: [ChunkOutcome] = []
    for chunk in 0..<index.chunkCount {
      let start = chunk * index.chunkSize
      let plain = Array(disk[start..<start + index.length(of: chunk)])
      if plain.withRawBytes({ isZero($0) }) {
        try await index.putZeros(chunks: [chunk])
        outcomes.append(.zero)
      } else {
        outcomes.append(
          try await index.put(chunk: chunk, buffer(holding: plain), count: plain.count)
        )
      }
    }
    return outcomes
  }

  /// Reads a whole disk of a snapshot through its index.
  func restore(
    _ path: SnapshotPath,
    archive: String = "drive-virtio0.img.fidx"
  ) async throws -> [UInt8] {
    let snapshot = try await store.open(path)
    let index = try #require(snapshot.indexes[archive])
    let buffer = AlignedBuffer(capacity: index.chunkSize)
    var disk: [UInt8] = []
    for chunk in 0..<index.chunkCount {
      let count = index.length(of: chunk)
      try await store.readChunk(index.digests[chunk], into: buffer, expecting: count)
      disk += contents(of: buffer, count)
    }
    return disk
  }
}

/// A buffer that starts with `bytes`.
func buffer(holding bytes: [UInt8]) -> AlignedBuffer {
  let buffer = AlignedBuffer(capacity: max(bytes.count, 1))
  buffer.withMutableBytes(bytes.count) { target in
    bytes.withRawBytes { copy($0, into: &target) }
  }
  return buffer
}

/// The first `count` bytes of a buffer.
func contents(of buffer: AlignedBuffer, _ count: Int) -> [UInt8] {
  buffer.withBytes(count) { concatenate([], $0) }
}

/// Bytes that no packer makes shorter, different for each call.
func noise(_ count: Int) -> [UInt8] {
  [UInt8](FileHandle(forReadingAtPath: "/dev/urandom")?.readData(ofLength: count) ?? Data())
}

/// Bytes that pack well, different for each call.
func text(_ count: Int) -> [UInt8] {
  let line = noise(16) + Array("a line of a configuration file that says nothing new\n".utf8)
  var bytes: [UInt8] = []
  while bytes.count < count { bytes += line }
  return Array(bytes.prefix(count))
}

/// The SHA-256 of `bytes`.
func digest(_ bytes: [UInt8]) -> Digest { bytes.withRawBytes { Digest(sha256: $0) } }

/// Puts one chunk in a backup that never ends, and says what became of it.
func putOne(_ plain: [UInt8], in test: TestStore) async throws -> ChunkOutcome {
  let writer = try await test.store.begin(namespace: [], id: "one", notBefore: 1)
  let index = try writer.beginIndex(
    "drive-a.img.fidx",
    size: Int64(plain.count),
    chunkSize: 1 << 16
  )
  do {
    let outcome = try await index.put(
      chunk: 0,
      buffer(holding: plain),
      count: plain.count
    )
    await writer.abandon()
    return outcome
  } catch {
    await writer.abandon()
    throw error
  }
}
