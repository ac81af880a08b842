import Checksum
import Disks
import Foundation
import Model
import Synchronization

/// What a disk held where it was written over, a piece at a time.
///
/// One sparse file: a page that tells what it is, then a place for each piece of the disk, which is
/// a page with the piece's length and SHA-256 and the piece itself. Pieces have places of their own,
/// so they may be saved in any order and at the same time, and a piece is never saved twice.
///
/// A piece counts as saved when its page names the SHA-256 of what follows. One whose saving was cut
/// short doesn't, and then what it was to save is still on the disk: that is written over only after
/// the piece is durable.
final class UndoLog: Sendable {
  /// Bytes of a piece; the last one may be shorter.
  let pieceSize: Int

  private let file: any BlockDevice
  private let path: String
  private let flushes: FlushGroup
  private let threads: BlockingExecutor
  private let known: Mutex<[Int: Digest]>

  /// The bytes before the first place, and before each piece in its place.
  private static let pageSize = 4096
  /// No chunk of a backup is larger.
  private static let largestPiece = 64 << 20
  /// How many saved pieces are looked at at the same time.
  private static let looksInFlight = 4

  private init(
    _ file: any BlockDevice,
    _ path: String,
    pieceSize: Int,
    threads: BlockingExecutor
  ) {
    self.file = file
    self.path = path
    self.pieceSize = pieceSize
    self.threads = threads
    flushes = FlushGroup(file)
    known = Mutex([:])
  }

  /// The pieces that are saved, in order.
  var pieces: [Int] { known.withLock { $0.keys.sorted() } }

  /// The SHA-256 of a saved piece; nil if it isn't saved.
  func digest(of piece: Int) -> Digest? { known.withLock { $0[piece] } }

  /// What a log takes beside what it saves, when every piece is saved.
  static func pageBytes(diskSize: Int64, pieceSize: Int) -> Int64 {
    (diskSize / Int64(pieceSize) + 2) * Int64(pageSize)
  }

  /// Makes an empty log at `path` for a disk of `diskSize` bytes.
  static func create(
    _ path: String,
    diskSize: Int64,
    pieceSize: Int
  ) async throws(DiskError) {
    let count = (diskSize + Int64(pieceSize) - 1) / Int64(pieceSize)
    try await SparseFile.create(
      path,
      size: Int64(pageSize) + count * Int64(pageSize + pieceSize)
    )
    let file = try await RawDisk.open(path, access: .write)
    let page = AlignedBuffer(capacity: pageSize)
    put(title(pieceSize: pieceSize, diskSize: diskSize), in: page)
    try await file.write(at: 0, from: page, count: pageSize)
    try await file.flush()
    try await file.close()
  }

  /// Opens the log at `path` and finds out what is saved in it, by reading all of that.
  ///
  /// - Throws: `stampMismatch` if the file isn't a log of such a disk.
  static func open(
    _ path: String,
    diskSize: Int64,
    pieceSize: Int? = nil,
    threads: BlockingExecutor
  ) async throws(DiskError) -> UndoLog {
    let file = try await RawDisk.open(path, access: .write, threads: threads)
    return try await open(
      file,
      at: path,
      diskSize: diskSize,
      pieceSize: pieceSize,
      threads: threads
    )
  }

  /// The same for a log whose file is open; it is closed with the log, or when this throws.
  ///
  /// - Parameters:
  ///   - file: The log's file.
  ///   - path: Where it is.
  ///   - diskSize: The size that its disk must have.
  ///   - pieceSize: The size that its pieces must have; nil: whatever the log says.
  ///   - threads: Where what is saved is hashed.
  /// - Returns: The log.
  /// - Throws: `stampMismatch` if the file isn't a log of such a disk.
  static func open(
    _ file: any BlockDevice,
    at path: String,
    diskSize: Int64,
    pieceSize: Int?,
    threads: BlockingExecutor
  ) async throws(DiskError) -> UndoLog {
    do throws(DiskError) {
      let page = AlignedBuffer(capacity: pageSize)
      try await file.read(at: 0, into: page, count: pageSize)
      guard let found = Self.pieceSize(in: page, diskSize: diskSize), found == pieceSize ?? found
      else { throw DiskError.stampMismatch(path: path) }
      let log = UndoLog(file, path, pieceSize: found, threads: threads)
      // A piece whose writer died before its flush is there to be read, but not yet on the disk.
      try await file.flush()
      try await log.findSaved(page)
      return log
    } catch {
      try await file.close()
      throw error
    }
  }

  /// The size of the pieces that a log's first page tells; nil if it isn't a log of such a disk.
  private static func pieceSize(in page: AlignedBuffer, diskSize: Int64) -> Int? {
    let words = text(in: page).split(separator: " ")
    guard words.count == 4, let size = Int(words[2]), (pageSize...largestPiece).contains(size),
      text(in: page) == title(pieceSize: size, diskSize: diskSize)
    else { return nil }
    return size
  }

  private static func title(pieceSize: Int, diskSize: Int64) -> String {
    "rehome-undo-log 1 \(pieceSize) \(diskSize)"
  }

  /// Saves the first `length` bytes of `buffer` as a piece; durable when this returns.
  ///
  /// What was a hole of the disk is one of the log, where it takes no room and tells that it was one.
  ///
  /// - Throws: `outOfSpace` before the file system is full: the catalog may be on it, and without a
  ///   catalog nothing can be put back.
  func save(
    _ piece: Int,
    _ buffer: AlignedBuffer,
    _ length: Int,
    digest: Digest,
    holes: [Range<Int>]
  ) async throws(DiskError) {
    guard try await FreeSpace.at(path).freeBytes >= Limits.undoLogFreeFloor + Int64(length) else {
      throw .outOfSpace(path: path)
    }
    let place = place(of: piece)
    let page = AlignedBuffer(capacity: Self.pageSize)
    Self.put("\(piece) \(length) \(digest)", in: page)
    try await write(buffer, length, holes: holes, at: place + Int64(Self.pageSize))
    try await file.write(at: place, from: page, count: Self.pageSize)
    try await flushes.flush()
    known.withLock { $0[piece] = digest }
  }

  /// Reads a saved piece into the front of `buffer`; it is checked by its SHA-256.
  func load(_ piece: Int, into buffer: AlignedBuffer, _ length: Int) async throws(DiskError) {
    try await file.read(
      at: place(of: piece) + Int64(Self.pageSize),
      into: buffer,
      count: length
    )
    let found = await threads.run { buffer.withBytes(length) { Digest(sha256: $0) } }
    guard let digest = digest(of: piece), found.equals(digest) else {
      throw .io(operation: "undo log", path: "piece \(piece)", errno: EIO)
    }
  }

  func close() async throws(DiskError) { try await file.close() }

  private func place(of piece: Int) -> Int64 {
    Int64(Self.pageSize) + Int64(piece) * Int64(Self.pageSize + pieceSize)
  }

  private func write(
    _ buffer: AlignedBuffer,
    _ length: Int,
    holes: [Range<Int>],
    at offset: Int64
  ) async throws(DiskError) {
    for part in PieceParts.gaps(between: holes, in: length) {
      try await file.write(at: offset + Int64(part.lowerBound), from: buffer, part: part)
    }
    guard !holes.isEmpty else { return }
    // Something is there only if an earlier attempt died while it saved this piece.
    let isEmpty = try await file.extents(in: offset..<offset + Int64(length)).allSatisfy(\.isZero)
    guard !isEmpty else { return }
    for hole in holes {
      try await file.zero(at: offset + Int64(hole.lowerBound), count: Int64(hole.count))
    }
  }

  /// What of a saved piece was a hole, in bytes of the piece.
  func holes(of piece: Int, _ length: Int) async throws(DiskError) -> [Range<Int>] {
    let start = place(of: piece) + Int64(Self.pageSize)
    return try await file.holes(in: start..<start + Int64(length))
  }

  /// A piece that a page says is saved.
  private struct Saved: Sendable {
    let piece: Int
    let length: Int
    let digest: Digest
  }

  private func findSaved(_ page: AlignedBuffer) async throws(DiskError) {
    let named = try await namedPieces(page)
    let buffers = BufferPool(count: Self.looksInFlight, capacity: pieceSize)
    try await BoundedWalk.run(named, width: Self.looksInFlight) {
      saved,
      isWhole throws(DiskError) in
      if isWhole { known.withLock { $0[saved.piece] = saved.digest } }
    } body: { saved throws(DiskError) in
      try await buffers.withBuffer { buffer throws(DiskError) in
        try await self.isWhole(saved, buffer)
      }
    }
  }

  /// Whether what a page says is saved is what follows it.
  private func isWhole(_ saved: Saved, _ buffer: AlignedBuffer) async throws(DiskError) -> Bool {
    try await file.read(
      at: place(of: saved.piece) + Int64(Self.pageSize),
      into: buffer,
      count: saved.length
    )
    return await threads.run {
      buffer.withBytes(saved.length) { Digest(sha256: $0) }.equals(saved.digest)
    }
  }

  private func namedPieces(_ page: AlignedBuffer) async throws(DiskError) -> [Saved] {
    var named: [Saved] = []
    var next = 0
    let stride = Int64(Self.pageSize + pieceSize)
    let count = Int((file.size - Int64(Self.pageSize)) / stride)
    for extent in try await file.extents(in: Int64(Self.pageSize)..<file.size)
    where !extent.isZero {
      let first = Int((extent.range.lowerBound - Int64(Self.pageSize)) / stride)
      let last = min(count - 1, Int((extent.range.upperBound - 1 - Int64(Self.pageSize)) / stride))
      guard max(first, next) <= last else { continue }
      for piece in max(first, next)...last {
        next = piece + 1
        try await file.read(at: place(of: piece), into: page, count: Self.pageSize)
        let words = Self.text(in: page).split(separator: " ")
        guard words.count == 3, Int(words[0]) == piece, let length = Int(words[1]),
          (1...pieceSize).contains(length), let digest = Digest(hex: words[2])
        else { continue }
        named.append(Saved(piece: piece, length: length, digest: digest))
      }
    }
    return named
  }

  /// A line at the start of a page.
  private static func put(_ text: String, in page: AlignedBuffer) {
    page.zero(pageSize)
    page.withMutableBytes(pageSize) { target in
      Array((text + "\n").utf8).withRawBytes { copy($0, into: &target) }
    }
  }

  /// The line at the start of a page; empty if there is none.
  private static func text(in page: AlignedBuffer) -> String {
    let bytes = page.withBytes(512) { concatenate([], $0) }
    guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return "" }
    return String(decoding: bytes[..<end], as: UTF8.self)
  }
}
