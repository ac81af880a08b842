internal import Checksum
internal import Synchronization
internal import Zstd

/// What became of a chunk that was to be stored.
package enum ChunkOutcome: Hashable, Sendable {
  /// It was written, and takes this many bytes.
  case new(bytes: Int)
  /// It was there already.
  case reused
  /// It holds nothing but zeros.
  case zero
}

/// The chunks of a store: reading, inserting and keeping them from the sweep.
///
/// Every call blocks, and so takes the `FileCalls` that only the store's executor hands out.
struct ChunkStore: Sendable {
  let layout: StoreLayout
  let sync: SyncLevel
  /// Nil: chunks are synced one by one, or never.
  let syncRecord: SyncRecord?
  /// Keeps the sweep and the quarantine from a chunk while somebody looks for it.
  let stripes = ChunkStripes()
  private let packers = Packers()

  init(layout: StoreLayout, sync: SyncLevel, syncRecord: SyncRecord?) {
    self.layout = layout
    self.sync = sync
    self.syncRecord = syncRecord
  }

  /// Stores `plain` under its digest, unless it is there already.
  ///
  /// What is there keeps its place if it is as short as ours; what a crash has cut off never does. A packed
  /// chunk counts as short enough without packing ours first.
  func insert(
    _ digest: Digest,
    _ plain: RawSpan,
    _ files: FileCalls
  ) throws(DatastoreError) -> ChunkOutcome {
    let path = layout.file(of: digest)
    // Touched before it is looked at: a sweep can't take it in between.
    let isThere = try stripes.alone(with: digest) { () throws(DatastoreError) in
      try files.touch(path)
    }
    let present = isThere ? try presence(of: digest, plain, files) : .absent
    if present == .packed { return .reused }
    let packer = packers.take()
    defer { packers.giveBack(packer) }
    return try DataBlob.encode(plain, with: packer) { blob throws(DatastoreError) in
      if case .plain(let count) = present, count <= blob.byteCount { return .reused }
      try write(blob, as: digest, files)
      return .new(bytes: blob.byteCount)
    }
  }

  /// Keeps a chunk from the sweep, and makes sure that it is there and not obviously cut off.
  func keep(_ digest: Digest, _ files: FileCalls) throws(DatastoreError) {
    let path = layout.file(of: digest)
    let isThere = try stripes.alone(with: digest) { () throws(DatastoreError) in
      try files.touch(path)
    }
    guard isThere, let status = try files.status(path) else { throw .chunkMissing(digest) }
    guard status.isRegularFile, status.byteCount > DataBlob.headerByteCount else {
      throw .chunkCorrupt(digest)
    }
  }

  /// As `keep`, but tells of a chunk that is gone or cut off.
  func isKept(_ digest: Digest, _ files: FileCalls) throws(DatastoreError) -> Bool {
    do throws(DatastoreError) {
      try keep(digest, files)
      return true
    } catch .chunkMissing {
      return false
    } catch .chunkCorrupt {
      return false
    } catch {
      throw error
    }
  }

  /// Reads the bytes of a chunk's file.
  func file(of digest: Digest, _ files: FileCalls) throws(DatastoreError) -> [UInt8] {
    switch try files.read(layout.file(of: digest), limit: DataBlob.maximumFileByteCount) {
    case .absent: throw .chunkMissing(digest)
    case .unacceptable: throw .chunkCorrupt(digest)
    case .bytes(let blob): return blob
    }
  }

  /// What stands in a chunk's place.
  private enum Presence: Equatable {
    case absent, packed
    case plain(byteCount: Int)
  }

  private func presence(
    of digest: Digest,
    _ plain: RawSpan,
    _ files: FileCalls
  ) throws(DatastoreError) -> Presence {
    let path = layout.file(of: digest)
    guard let status = try files.status(path), status.isRegularFile else { return .absent }
    // Nothing with content is that short: what a crash left is written anew.
    guard status.byteCount > DataBlob.headerByteCount else { return .absent }
    guard let head = try files.head(path, count: DataBlob.headerByteCount) else { return .absent }
    let found: Presence
    switch DataBlob.Kind(startOf: head) {
    case .plain:
      let whole = DataBlob.headerByteCount + plain.byteCount
      guard status.byteCount == whole else { return .absent }
      found = .plain(byteCount: whole)
    case .compressed: found = .packed
    case .encrypted, .compressedEncrypted: throw .chunkEncrypted(digest)
    case nil: return .absent
    }
    guard syncRecord?.isDoubtful(writtenAt: status.modificationSeconds) == true else {
      return found
    }
    return try holds(digest, plain, files) ? found : .absent
  }

  /// Whether the file of a chunk really makes these bytes.
  private func holds(
    _ digest: Digest,
    _ plain: RawSpan,
    _ files: FileCalls
  ) throws(DatastoreError) -> Bool {
    let limit = DataBlob.maximumFileByteCount
    guard case .bytes(let blob) = try files.read(layout.file(of: digest), limit: limit) else {
      return false
    }
    do throws(BlobError) {
      let content = try DataBlob.decode(blob, limit: plain.byteCount)
      return content.withRawBytes { areEqual($0, plain) }
    } catch {
      return false
    }
  }

  private func write(
    _ blob: RawSpan,
    as digest: Digest,
    _ files: FileCalls
  ) throws(DatastoreError) {
    let path = layout.file(of: digest)
    // All folders are made with the store, but a copying tool may have left out the empty ones.
    if try files.makeDirectory(layout.folder(of: digest), mode: 0o750), sync == .file {
      try files.syncDirectory(layout.chunks)
    }
    // What is left then is for cleaning up, and for the catalog that says so.
    let space = try files.space(at: layout.chunks)
    guard
      space.freeBytes - Int64(blob.byteCount) >= StoreReserve(totalBytes: space.totalBytes).floor
    else { throw .outOfSpace }
    let temporary = "\(path).tmp_\(String(UInt64.random(in: 0...UInt64.max), radix: 16))"
    try files.create(temporary, blob, sync: sync == .file)
    do throws(DatastoreError) {
      try stripes.alone(with: digest) { () throws(DatastoreError) in
        try files.rename(temporary, to: path)
      }
    } catch {
      try files.removeFile(temporary)
      throw error
    }
    if sync == .file { try files.syncDirectory(layout.folder(of: digest)) }
  }
}

/// The packers that nobody uses at the moment: as many as there were inserts at the same time.
private final class Packers: Sendable {
  private let idle = Mutex<[ZstdPacker]>([])

  func take() -> ZstdPacker {
    idle.withLock { $0.popLast() } ?? ZstdPacker(capacity: FixedIndex.defaultChunkSize)
  }

  func giveBack(_ packer: ZstdPacker) {
    idle.withLock { $0.append(packer) }
  }
}
