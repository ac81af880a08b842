import CLinux
import Glibc

/// An open file of ours: never inherited by a child, closed with its owner.
@safe
struct Descriptor: ~Copyable, Sendable {
  let number: Int32
  let path: String

  init(_ path: String, _ flags: Int32, mode: UInt32 = 0) throws(DiskError) {
    if flags & O_CREAT != 0 { try FileSimulation.tell(.create(path: path)) }
    var opened: Int32
    repeat { opened = unsafe rehome_open(path, flags, mode) } while opened < 0 && errno == EINTR
    guard opened >= 0 else { throw DiskError.last("open", path) }
    number = opened
    self.path = path
  }

  /// Takes over a descriptor that a system call has just made.
  init(taking number: Int32, path: String) {
    self.number = number
    self.path = path
  }

  deinit { close(number) }

  /// A path that leads other programs to this very file as long as it is open here.
  var reference: String { "/proc/\(getpid())/fd/\(number)" }

  /// Fills `bytes` from `offset` on; the file ending before is an error.
  @unsafe
  func read(_ bytes: UnsafeMutableRawBufferPointer, at offset: Int64) throws(DiskError) {
    try FileSimulation.tell(.read(path: path))
    var done = 0
    while done < bytes.count {
      let got = unsafe pread(
        number,
        bytes.baseAddress.map { unsafe $0 + done },
        bytes.count - done,
        Int(offset) + done
      )
      if got < 0 && errno == EINTR { continue }
      guard got >= 0 else { throw DiskError.last("read", path) }
      guard got > 0 else { throw DiskError.io(operation: "read", path: path, errno: EIO) }
      done += got
    }
  }

  /// The first `limit` bytes of a regular file, or all if it is shorter.
  func beginning(_ limit: Int) throws(DiskError) -> [UInt8] {
    let length = try status().st_size
    var bytes = [UInt8](repeating: 0, count: min(Int(length), limit))
    var span = bytes.mutableSpan
    var raw = unsafe span.mutableBytes
    try unsafe raw.withUnsafeMutableBytes { target throws(DiskError) in
      try unsafe read(target, at: 0)
    }
    return bytes
  }

  /// Writes all of `bytes` at `offset`.
  @unsafe
  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(DiskError) {
    try FileSimulation.tell(.write(path: path, file: number))
    var done = 0
    while done < bytes.count {
      let put = unsafe pwrite(
        number,
        bytes.baseAddress.map { unsafe $0 + done },
        bytes.count - done,
        Int(offset) + done
      )
      if put < 0 && errno == EINTR { continue }
      guard put > 0 else {
        throw put < 0
          ? DiskError.last("write", path)
          : DiskError.io(operation: "write", path: path, errno: EIO)
      }
      done += put
    }
  }

  /// Makes the file, or the directory's entries, durable; an error must not be tried again.
  func sync() throws(DiskError) {
    try FileSimulation.tell(.sync(path: path, file: number))
    guard fsync(number) == 0 else { throw DiskError.last("fsync", path) }
  }

  /// Gives the file another length.
  func resize(to size: Int64) throws(DiskError) {
    try FileSimulation.tell(.resize(path: path, file: number))
    guard ftruncate(number, Int(size)) == 0 else { throw DiskError.last("ftruncate", path) }
  }

  /// The same file, opened once more.
  func again(_ flags: Int32) throws(DiskError) -> Descriptor {
    var opened: Int32
    repeat {
      opened = unsafe rehome_open("/proc/self/fd/\(number)", flags, 0)
    } while opened < 0 && errno == EINTR
    guard opened >= 0 else { throw DiskError.last("open", path) }
    return Descriptor(taking: opened, path: path)
  }

  /// Whether it is the file that stands at `path` now, which is no link.
  func isStill(at path: String) throws(DiskError) -> Bool {
    var named = stat()
    guard unsafe lstat(path, &named) == 0 else { throw DiskError.last("lstat", path) }
    let own = try status()
    return named.st_dev == own.st_dev && named.st_ino == own.st_ino
  }

  func status() throws(DiskError) -> stat {
    var info = stat()
    guard unsafe fstat(number, &info) == 0 else { throw DiskError.last("fstat", path) }
    return info
  }
}

extension stat {
  /// The kind of file, without the permission bits.
  var kind: mode_t { st_mode & S_IFMT }
}

extension String {
  /// The directory that holds the file at this absolute path.
  var directoryPath: String {
    guard let slash = lastIndex(of: "/"), slash != startIndex else { return "/" }
    return String(self[..<slash])
  }

  /// The last component of this path.
  var fileName: String { String(self[(lastIndex(of: "/").map(index(after:)) ?? startIndex)...]) }
}

/// The name at `path`, which a caller may want to be gone.
enum FileName {
  /// Removes it; what made it fail is in `errno`.
  static func remove(_ path: String) throws(DiskError) {
    try FileSimulation.tell(.remove(path: path))
    guard unsafe unlink(path) == 0 else { throw DiskError.last("unlink", path) }
  }

  /// Removes what nobody needs any more; that it stays is no more than untidy.
  static func removeIfPossible(_ path: String) {
    do throws(DiskError) { try remove(path) } catch {}
  }

  /// Gives a file another name, which may be that of a file that goes.
  static func rename(_ path: String, to target: String) throws(DiskError) {
    try FileSimulation.tell(.rename(path, to: target))
    guard unsafe Glibc.rename(path, target) == 0 else { throw DiskError.last("rename", path) }
  }

  /// Exchanges two names.
  static func exchange(_ first: String, _ second: String) throws(DiskError) {
    try FileSimulation.tell(.exchange(first, second))
    guard unsafe rehome_exchange(first, second) == 0 else {
      throw DiskError.last("exchange", first)
    }
  }
}

extension BlockingExecutor {
  /// Where short file calls run: looking, stamping, locking, exchanging.
  static let files = BlockingExecutor(label: "rehome.disks.files", width: 8)

  /// Where we wait for the programs that serve disks to start, to answer and to end.
  static let servers = BlockingExecutor(label: "rehome.disks.servers", width: 16)
}
