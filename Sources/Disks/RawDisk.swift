import CLinux
import Glibc
import Synchronization

/// A raw image file, or for reading a block device, accessed directly.
///
/// Whole pages go past the page cache where the file system allows it; what is left at an odd end
/// goes through it. The two never share a page, so they never see each other's stale bytes.
package final class RawDisk: BlockDevice {
  package let size: Int64
  /// Whether it is a file, which takes room of a file system as it is written to.
  package var isFile: Bool { !isBlockDevice }

  private let path: String
  private let access: DiskAccess
  private let isBlockDevice: Bool
  private let state: Mutex<State>
  private let threads: BlockingExecutor

  /// Requests to one disk at the same time; more would only queue in the kernel.
  private static let requestsInFlight = 8
  /// Direct I/O in whole pages satisfies every block size in use.
  private static let pageSize: Int64 = 4096

  private enum State {
    case open(Files)
    /// A flush failed: what is on the disk is unknown.
    case failed(DiskError)
    case closed
  }

  /// The two ways into one file; closed when the last request using them has ended.
  private final class Files: Sendable {
    let buffered: Descriptor
    let direct: Descriptor?
    /// False once the file system has refused a direct request that it had promised to take.
    let directWorks = Atomic<Bool>(true)
    private let isClaimed: Bool

    init(
      path: String,
      flags: Int32,
      claim: Int32,
      isDirectWanted: Bool,
      stamp: Stamp?
    ) throws(DiskError) {
      // One descriptor claims: the kernel takes a second for somebody else's.
      buffered = try Descriptor(path, flags | claim)
      isClaimed = stamp != nil
      if let stamp {
        try ImageLock.claim(buffered)
        // Under the lock, without which nobody exchanges the file for another: it may have been, though,
        // between the opening and the lock.
        guard try Stamp.read(buffered) == stamp, try buffered.isStill(at: path) else {
          throw DiskError.stampMismatch(path: path)
        }
      }
      guard isDirectWanted else {
        direct = nil
        return
      }
      do throws(DiskError) {
        // The same file, whatever its name leads to by now.
        direct = try buffered.again(flags & ~O_NOFOLLOW | Int32(rehome_o_direct))
      } catch .io(_, _, EINVAL) {
        direct = nil
      }
    }

    deinit { if isClaimed { ImageLock.giveUp(buffered) } }
  }

  /// Opens the raw disk at `path`, which must not be a link.
  ///
  /// - Parameters:
  ///   - path: The resolved path of a regular file or a block device.
  ///   - access: Writing is for regular files, unless a device is explicitly meant.
  ///   - isDirectWanted: Whether to pass the page cache by where that works.
  ///   - isDeviceWritten: Whether a block device may be opened for writing; the kernel refuses one
  ///     that the host itself has mounted.
  ///   - stamp: What a stage is marked with, which is locked until it is closed; nil: it is no stage.
  ///   - threads: Where its requests block; threads of its own if nil.
  /// - Returns: The open disk, to be closed by the caller.
  /// - Throws: `unsupported` if it is no file or device, or a device to be written; of a stage
  ///   `stampMismatch` if it is another file, `locked` if somebody uses it.
  package static func open(
    _ path: String,
    access: DiskAccess,
    isDirectWanted: Bool = true,
    isDeviceWritten: Bool = false,
    stamp: Stamp? = nil,
    threads: BlockingExecutor? = nil
  ) async throws(DiskError) -> RawDisk {
    try await BlockingExecutor.files.run { () throws(DiskError) in
      try RawDisk(
        path,
        access,
        isDirectWanted: isDirectWanted,
        isDeviceWritten: isDeviceWritten,
        stamp: stamp,
        threads: threads
      )
    }
  }

  private init(
    _ path: String,
    _ access: DiskAccess,
    isDirectWanted: Bool,
    isDeviceWritten: Bool,
    stamp: Stamp?,
    threads: BlockingExecutor?
  ) throws(DiskError) {
    let flags = (access == .read ? O_RDONLY : O_RDWR) | O_NOFOLLOW
    let files = try Files(
      path: path,
      flags: flags,
      // On a device O_EXCL means: not while the host uses it. On a file, without O_CREAT, nothing.
      claim: access == .write && isDeviceWritten ? O_EXCL : 0,
      isDirectWanted: isDirectWanted,
      stamp: stamp
    )
    (size, isBlockDevice) = try Self.measure(files.buffered)
    guard access == .read || !isBlockDevice || isDeviceWritten else {
      throw DiskError.unsupported(reason: "this block device is opened for reading only")
    }
    self.path = path
    self.access = access
    state = Mutex(.open(files))
    self.threads =
      threads ?? BlockingExecutor(label: "rehome.disks.raw", width: Self.requestsInFlight)
  }

  /// The size of an open file or block device.
  static func measure(
    _ file: borrowing Descriptor
  ) throws(DiskError) -> (size: Int64, isBlockDevice: Bool) {
    let status = try file.status()
    switch status.kind {
    case S_IFREG: return (Int64(status.st_size), false)
    case S_IFBLK:
      var bytes: UInt64 = 0
      guard unsafe rehome_block_size(file.number, &bytes) == 0 else {
        throw DiskError.last("BLKGETSIZE64", file.path)
      }
      return (Int64(clamping: bytes), true)
    default:
      throw DiskError.unsupported(reason: "neither a regular file nor a block device")
    }
  }

  package func read(
    at offset: Int64,
    into buffer: AlignedBuffer,
    count: Int
  ) async throws(DiskError) {
    try check(offset, Int64(count), path: path)
    try await perform { files throws(DiskError) in
      try unsafe buffer.withUnsafeMutableBytes(count) { bytes throws(DiskError) in
        try Self.split(files, bytes.count, at: offset) { file, part throws(DiskError) in
          try unsafe file.read(
            UnsafeMutableRawBufferPointer(rebasing: bytes[part]),
            at: offset + Int64(part.lowerBound)
          )
        }
      }
    }
  }

  package func write(
    at offset: Int64,
    from buffer: AlignedBuffer,
    part: Range<Int>
  ) async throws(DiskError) {
    try check(offset, Int64(part.count), path: path)
    try requireWritable()
    try await perform { files throws(DiskError) in
      try unsafe buffer.withUnsafeBytes(part.upperBound) { whole throws(DiskError) in
        let bytes = unsafe UnsafeRawBufferPointer(rebasing: whole[part])
        try Self.split(files, part.count, at: offset) { file, piece throws(DiskError) in
          try unsafe file.write(
            UnsafeRawBufferPointer(rebasing: bytes[piece]),
            at: offset + Int64(piece.lowerBound)
          )
        }
      }
    }
  }

  package func zero(at offset: Int64, count: Int64) async throws(DiskError) {
    try check(offset, count, path: path)
    try requireWritable()
    guard count > 0 else { return }
    try await perform { files throws(DiskError) in
      let file = files.buffered.number
      try FileSimulation.tell(.write(path: files.buffered.path, file: file))
      guard rehome_punch(files.buffered.number, offset, count) != 0 else { return }
      guard errno == EOPNOTSUPP else { throw DiskError.last("fallocate", files.buffered.path) }
      try Self.writeZeros(files.buffered, at: offset, count: count)
    }
  }

  package func extents(in range: Range<Int64>) async throws(DiskError) -> [Extent] {
    try check(range.lowerBound, Int64(range.count), path: path)
    guard !isBlockDevice else { return range.isEmpty ? [] : [Extent(range: range, isZero: false)] }
    return try await perform { files throws(DiskError) in
      try Self.extents(of: files.buffered, in: range)
    }
  }

  package func flush() async throws(DiskError) {
    guard access == .write else { return }
    try await perform { [self] files throws(DiskError) in
      do throws(DiskError) {
        try files.buffered.sync()
      } catch {
        state.withLock { $0 = .failed(error) }
        throw error
      }
      // What went through the page cache, the odd end at least, is read from the disk from now on.
      posix_fadvise(files.buffered.number, 0, 0, POSIX_FADV_DONTNEED)
    }
  }

  package func close() async throws(DiskError) {
    state.withLock { $0 = .closed }
  }

  // MARK: - Requests

  private func requireWritable() throws(DiskError) {
    guard access == .write else {
      throw DiskError.io(operation: "write", path: path, errno: EBADF)
    }
  }

  private func perform<Value: Sendable>(
    _ body: @escaping @Sendable (Files) throws(DiskError) -> Value
  ) async throws(DiskError) -> Value {
    try await threads.run { [self] () throws(DiskError) in
      // Looked at here, not when the call was queued: a flush may have failed in between.
      let current = state.withLock { state -> Result<Files, DiskError> in
        switch state {
        case .open(let files): .success(files)
        case .failed(let error): .failure(error)
        case .closed: .failure(.closed)
        }
      }
      return try body(current.get())
    }
  }

  /// Hands whole pages to the direct way and the rest to the buffered one.
  private static func split(
    _ files: Files,
    _ count: Int,
    at offset: Int64,
    _ body: (borrowing Descriptor, Range<Int>) throws(DiskError) -> Void
  ) throws(DiskError) {
    let whole = offset % pageSize == 0 ? count - count % Int(pageSize) : 0
    if whole > 0 {
      try transferWhole(files, 0..<whole, body)
    }
    if whole < count { try body(files.buffered, whole..<count) }
  }

  private static func transferWhole(
    _ files: Files,
    _ part: Range<Int>,
    _ body: (borrowing Descriptor, Range<Int>) throws(DiskError) -> Void
  ) throws(DiskError) {
    guard files.directWorks.load(ordering: .relaxed) else { return try body(files.buffered, part) }
    do throws(DiskError) {
      switch files.direct {
      case .some(let direct): try body(direct, part)
      case .none: try body(files.buffered, part)
      }
    } catch .io(_, _, EINVAL) {
      files.directWorks.store(false, ordering: .relaxed)
      try body(files.buffered, part)
    }
  }

  private static func writeZeros(
    _ file: borrowing Descriptor,
    at offset: Int64,
    count: Int64
  ) throws(DiskError) {
    let zeros = [UInt8](repeating: 0, count: Int(min(count, 1 << 20)))
    var done: Int64 = 0
    while done < count {
      let part = Int(min(count - done, Int64(zeros.count)))
      let position = offset + done
      try unsafe zeros.span.bytes.extracting(first: part).withUnsafeBytes {
        bytes throws(DiskError) in try unsafe file.write(bytes, at: position)
      }
      done += Int64(part)
    }
  }

  private static func extents(
    of file: borrowing Descriptor,
    in range: Range<Int64>
  ) throws(DiskError) -> [Extent] {
    var extents: [Extent] = []
    var position = range.lowerBound
    while position < range.upperBound {
      let data = lseek(file.number, Int(position), SEEK_DATA)
      if data < 0 && errno == ENXIO {
        Extent.append(Extent(range: position..<range.upperBound, isZero: true), to: &extents)
        return extents
      }
      guard data >= 0 else { throw DiskError.last("SEEK_DATA", file.path) }
      let start = min(Int64(data), range.upperBound)
      Extent.append(Extent(range: position..<start, isZero: true), to: &extents)
      guard start < range.upperBound else { return extents }
      let hole = lseek(file.number, Int(start), SEEK_HOLE)
      guard hole >= 0 else { throw DiskError.last("SEEK_HOLE", file.path) }
      let end = min(Int64(hole), range.upperBound)
      guard end > start else {
        throw DiskError.io(operation: "SEEK_HOLE", path: file.path, errno: EIO)
      }
      Extent.append(Extent(range: start..<end, isZero: false), to: &extents)
      position = end
    }
    return extents
  }
}
