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
  private let known: Mutex<[Int: Digest]>

  /// The bytes before the first place, and before each piece in its place.
  private static let pageSize = 4096

  private init(_ file: any BlockDevice, _ path: String, pieceSize: Int, known: [Int: Digest]) {
    self.file = file
    self.path = path
    self.pieceSize = pieceSize
    flushes = FlushGroup(file)
    self.known = Mutex(known)
  }

  /// The pieces that are saved, in order.
  var pieces: [Int] { known.withLock { $0.keys.sorted() } }

  /// The SHA-256 of a saved piece; nil if it isn't saved.
  func digest(of piece: Int) -> Digest? { known.withLock { $0[piece] } }

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
    put("rehome-undo-log 1 \(pieceSize) \(diskSize)", in: page)
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
    pieceSize: Int,
    threads: BlockingExecutor
  ) async throws(DiskError) -> UndoLog {
    let file = try await RawDisk.open(path, access: .write, threads: threads)
    return try await open(file, at: path, diskSize: diskSize, pieceSize: pieceSize)
  }

  /// The same for a log whose file is open; it is closed with the log, or when this throws.
  static func open(
    _ file: any BlockDevice,
    at path: String,
    diskSize: Int64,
    pieceSize: Int
  ) async throws(DiskError) -> UndoLog {
    let page = AlignedBuffer(capacity: pageSize)
    try await file.read(at: 0, into: page, count: pageSize)
    guard text(in: page) == "rehome-undo-log 1 \(pieceSize) \(diskSize)" else {
      try await file.close()
      throw .stampMismatch(path: path)
    }
    let log = UndoLog(file, path, pieceSize: pieceSize, known: [:])
    do throws(DiskError) {
      // A piece whose writer died before its flush is there to be read, but not yet on the disk.
      try await file.flush()
      try await log.findSaved(page)
      return log
    } catch {
      try await file.close()
      throw error
    }
  }

  /// Saves the first `length` bytes of `buffer` as a piece; durable when this returns.
  ///
  /// - Throws: `outOfSpace` before the file system is full: the catalog may be on it, and without a
  ///   catalog nothing can be put back.
  func save(
    _ piece: Int,
    _ buffer: AlignedBuffer,
    _ length: Int,
    digest: Digest
  ) async throws(DiskError) {
    guard try await FreeSpace.at(path).freeBytes >= Limits.undoLogFreeFloor + Int64(length) else {
      throw .outOfSpace(path: path)
    }
    let place = place(of: piece)
    let page = AlignedBuffer(capacity: Self.pageSize)
    Self.put("\(piece) \(length) \(digest)", in: page)
    try await file.write(at: place + Int64(Self.pageSize), from: buffer, count: length)
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
    let found = buffer.withBytes(length) { Digest(sha256: $0) }
    guard let digest = digest(of: piece), found.equals(digest) else {
      throw .io(operation: "undo log", path: "piece \(piece)", errno: EIO)
    }
  }

  func close() async throws(DiskError) { try await file.close() }

  private func place(of piece: Int) -> Int64 {
    Int64(Self.pageSize) + Int64(piece) * Int64(Self.pageSize + pieceSize)
  }

  private func findSaved(_ page: AlignedBuffer) async throws(DiskError) {
    let buffer = AlignedBuffer(capacity: pieceSize)
    let stride = Int64(Self.pageSize + pieceSize)
    let count = Int((file.size - Int64(Self.pageSize)) / stride)
    for extent in try await file.extents(in: Int64(Self.pageSize)..<file.size)
    where !extent.isZero {
      let first = Int((extent.range.lowerBound - Int64(Self.pageSize)) / stride)
      let last = min(count - 1, Int((extent.range.upperBound - 1 - Int64(Self.pageSize)) / stride))
      guard first <= last else { continue }
      for piece in first...last where digest(of: piece) == nil {
        try await file.read(at: place(of: piece), into: page, count: Self.pageSize)
        let words = Self.text(in: page).split(separator: " ")
        guard words.count == 3, Int(words[0]) == piece, let length = Int(words[1]),
          (1...pieceSize).contains(length), let digest = Digest(hex: words[2])
        else { continue }
        try await file.read(
          at: place(of: piece) + Int64(Self.pageSize),
          into: buffer,
          count: length
        )
        guard buffer.withBytes(length, { Digest(sha256: $0) }).equals(digest) else { continue }
        known.withLock { $0[piece] = digest }
      }
    }
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
