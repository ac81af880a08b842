import CLinux
import Glibc
import Synchronization

/// QEMU's own locks on image files, held by us.
///
/// QEMU locks single bytes of an image, with locks that belong to the open file and end when it is
/// closed. Byte 100 + p says "I use permission p", byte 200 + p says "nobody else may". Whoever
/// opens an image takes its bytes first and then looks for conflicts, as we do; so of two who do
/// it at the same time at most one gets through.
package final class ImageLock: Sendable {
  /// QEMU's permissions, by the number of their byte.
  private enum Permission: Int64, CaseIterable {
    case consistentRead = 0
    case write = 1
    case writeUnchanged = 2
    case resize = 3

    /// The byte that is locked by who uses the permission.
    var used: Int64 { 100 + rawValue }
    /// The byte that is locked by who doesn't let others use it.
    var denied: Int64 { 200 + rawValue }
  }

  /// The bytes that an exclusive lock covers: all of QEMU's, and those it may use one day.
  private static let everything: Range<Int64> = 100..<300

  private struct Held: ~Copyable, Sendable {
    let file: Descriptor
    let device: UInt64
    let inode: UInt64
  }

  /// The locked files; locks end with their descriptors.
  private final class Files: Sendable {
    let first: Held
    let rest: Files?

    init(_ first: consuming Held, rest: Files?) {
      self.first = first
      self.rest = rest
    }

    deinit { ImageLock.giveUp(first.file) }
  }

  private let files: Mutex<Files?>

  private init(_ files: Files?) { self.files = Mutex(files) }

  /// Locks all of `paths` so that nobody can open any of them for anything, or none.
  ///
  /// - Throws: `locked` for the first one that somebody has open.
  package static func exclusive(_ paths: [String]) async throws(DiskError) -> ImageLock {
    try await BlockingExecutor.files.run { () throws(DiskError) in
      var files: Files?
      for path in paths {
        let file = try Descriptor(path, O_RDWR | O_NOFOLLOW)
        try claim(file)
        files = Files(try hold(file), rest: files)
      }
      return ImageLock(files)
    }
  }

  /// Locks an open file as ``exclusive(_:)`` does, until it is closed or given up.
  static func claim(_ file: borrowing Descriptor) throws(DiskError) {
    let count = Int64(everything.count)
    guard rehome_lock(file.number, Int16(F_WRLCK), everything.lowerBound, count) == 0 else {
      throw refusal("lock", file.path, errno)
    }
  }

  /// Gives up all locks of an open file, which a child being started may hold a copy of.
  static func giveUp(_ file: borrowing Descriptor) {
    rehome_lock(file.number, Int16(F_UNLCK), 0, 0)
  }

  /// Locks `path` as a reader that lets others read it but not write or resize it.
  ///
  /// - Throws: `locked` if somebody has it open for writing.
  package static func reader(_ path: String) async throws(DiskError) -> ImageLock {
    try await BlockingExecutor.files.run { () throws(DiskError) in
      let file = try Descriptor(path, O_RDONLY | O_NOFOLLOW)
      for byte in [
        Permission.consistentRead.used, Permission.write.denied, Permission.resize.denied,
      ] {
        guard rehome_lock(file.number, Int16(F_RDLCK), byte, 1) == 0 else {
          throw refusal("lock", path, errno)
        }
      }
      guard try !isContested(file) else { throw refusal("lock", path, EAGAIN) }
      return ImageLock(Files(try hold(file), rest: nil))
    }
  }

  /// Holds all of `paths` exclusively for the length of `body`.
  package static func withExclusive<R>(
    _ paths: [String],
    _ body: (ImageLock) async throws(DiskError) -> R
  ) async throws(DiskError) -> R {
    let lock = try await exclusive(paths)
    defer { lock.release() }
    return try await body(lock)
  }

  /// Lets go of all files; a second call does nothing.
  package func release() {
    _ = files.withLock { $0.take() }
  }

  /// Whether the file that stands at `path` now is one that this lock holds.
  func covers(_ path: String) -> Bool {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { return false }
    var next = files.withLock { $0 }
    while let files = next {
      if files.first.device == status.st_dev && files.first.inode == status.st_ino { return true }
      next = files.rest
    }
    return false
  }

  // MARK: - Who else

  /// Whether an open for `access` would meet somebody's lock.
  static func isTaken(_ path: String, for access: DiskAccess) async -> Bool {
    await BlockingExecutor.files.run {
      do throws(DiskError) {
        let file = try Descriptor(path, O_RDONLY | O_NOFOLLOW)
        let range = everything
        return access == .write
          ? rehome_is_locked(
            file.number,
            Int16(F_WRLCK),
            range.lowerBound,
            Int64(range.count)
          ) == 1
          : try isContested(file)
      } catch {
        return false
      }
    }
  }

  /// The name and id of a process that holds a lock on `path`, if one can be seen.
  static func holder(of path: String) async -> String? {
    await BlockingExecutor.files.run { LockHolder.find(path) }
  }

  /// Whether someone writes or resizes, or denies reading.
  private static func isContested(_ file: borrowing Descriptor) throws(DiskError) -> Bool {
    for byte in [
      Permission.write.used, Permission.resize.used, Permission.consistentRead.denied,
    ] {
      switch rehome_is_locked(file.number, Int16(F_WRLCK), byte, 1) {
      case 0: continue
      case 1: return true
      default: throw DiskError.last("lock query", file.path)
      }
    }
    return false
  }

  private static func hold(_ file: consuming Descriptor) throws(DiskError) -> Held {
    let status = try file.status()
    return Held(file: file, device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
  }

  private static func refusal(_ operation: String, _ path: String, _ number: Int32) -> DiskError {
    guard number == EAGAIN || number == EACCES else { return .of(operation, path, number) }
    return .locked(path: path, by: LockHolder.find(path))
  }
}
