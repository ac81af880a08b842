internal import Checksum
internal import Disks
internal import Glibc
internal import Model

/// Runs the store's file calls on threads that may block.
///
/// The calls themselves are `FileCalls`, below: the one place of this target where memory is
/// handed to the kernel.
struct FileExecutor: Sendable {
  private let threads: BlockingExecutor
  private let clock: (any WallClock)?

  /// Runs calls on `threads`; touched files get the time of `clock`, or the kernel's.
  init(_ threads: BlockingExecutor, clock: (any WallClock)? = nil) {
    self.threads = threads
    self.clock = clock
  }

  /// The same calls on other threads.
  func on(_ threads: BlockingExecutor) -> FileExecutor { FileExecutor(threads, clock: clock) }

  /// Runs `body`, which makes file calls, away from the cooperative pool.
  func run<Value: Sendable>(
    _ body: @escaping @Sendable (FileCalls) throws(DatastoreError) -> Value
  ) async throws(DatastoreError) -> Value {
    let calls = FileCalls(clock: clock)
    return try await threads.run { () throws(DatastoreError) -> Value in try body(calls) }
  }
}

/// The file calls of the store, each of which may block.
///
/// What isn't there is nil or false, since the store expects it; everything else that fails is
/// thrown. No call follows a symbolic link in the last part of a path.
struct FileCalls: Sendable {
  /// Gives touched and new files their access time; nil: the kernel does.
  var clock: (any WallClock)?

  /// Looks at a path; nil if nothing is there.
  func status(_ path: String) throws(DatastoreError) -> FileStatus? {
    var info = stat()
    guard unsafe lstat(path, &info) == 0 else {
      guard errno == ENOENT || errno == ENOTDIR else { throw Self.failure("stat", path) }
      return nil
    }
    return Self.status(of: info)
  }

  /// Reads a whole regular file of at most `limit` bytes.
  func read(_ path: String, limit: Int) throws(DatastoreError) -> FileContent {
    guard let file = try openForReading(path) else { return .absent }
    var info = stat()
    guard unsafe fstat(file.descriptor, &info) == 0 else { throw Self.failure("stat", path) }
    let status = Self.status(of: info)
    guard status.isRegularFile, status.byteCount <= limit else { return .unacceptable }
    return .bytes(try read(file, path: path, atMost: status.byteCount))
  }

  /// Reads a whole regular file of at most `limit` bytes: its first `headCount` bytes by
  /// themselves, and the rest to the front of the buffer that these bytes ask for.
  func readSplit(
    _ path: String,
    headCount: Int,
    limit: Int,
    rest buffer: ([UInt8]) -> AlignedBuffer
  ) throws(DatastoreError) -> SplitContent {
    guard let file = try openForReading(path) else { return .absent }
    var info = stat()
    guard unsafe fstat(file.descriptor, &info) == 0 else { throw Self.failure("stat", path) }
    let status = Self.status(of: info)
    guard status.isRegularFile, (headCount...limit).contains(status.byteCount) else {
      return .unacceptable
    }
    // The whole file at once, instead of a read-ahead window at a time.
    posix_fadvise(file.descriptor, 0, 0, POSIX_FADV_WILLNEED)
    let head = try read(file, path: path, atMost: headCount)
    let count = status.byteCount - headCount
    guard head.count == headCount else { return .unacceptable }
    let target = buffer(head)
    guard count <= target.capacity else { return .unacceptable }
    let isWhole = try target.withMutableBytes(count) { span throws(DatastoreError) in
      try unsafe span.withUnsafeMutableBytes { bytes throws(DatastoreError) in
        try unsafe fill(bytes, from: file, path: path)
      }
    }
    return isWhole ? .bytes(head: head, restCount: count) : .unacceptable
  }

  /// Reads the first bytes of a regular file, at most `count`; nil if it isn't there.
  func head(_ path: String, count: Int) throws(DatastoreError) -> [UInt8]? {
    guard let file = try openForReading(path) else { return nil }
    return try read(file, path: path, atMost: count)
  }

  /// Reads at most `count` bytes of a regular file from `offset` on, fewer only at its end; nil if it
  /// isn't there.
  func piece(_ path: String, at offset: Int, count: Int) throws(DatastoreError) -> [UInt8]? {
    guard let file = try openForReading(path) else { return nil }
    guard lseek(file.descriptor, offset, SEEK_SET) == offset else {
      throw Self.failure("lseek", path)
    }
    return try read(file, path: path, atMost: count)
  }

  /// Makes a file that takes `count` bytes of room, or makes it that large.
  func allocate(_ path: String, count: Int) throws(DatastoreError) {
    let flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC
    try Self.tell(.create(path: path))
    let file = OpenFile(descriptor: unsafe open(path, flags, 0o600))
    guard file.descriptor >= 0 else { throw Self.failure("create", path) }
    let number = posix_fallocate(file.descriptor, 0, count)
    guard number == 0 else {
      errno = number
      throw Self.failure("fallocate", path)
    }
  }

  /// Makes a file that must not be there yet, writes it whole and, if asked, syncs it.
  func create(_ path: String, _ bytes: [UInt8], sync: Bool) throws(DatastoreError) {
    try bytes.withRawBytes { bytes throws(DatastoreError) in
      try create(path, bytes, sync: sync)
    }
  }

  /// Makes a file that must not be there yet, writes it whole and, if asked, syncs it.
  func create(_ path: String, _ bytes: RawSpan, sync: Bool) throws(DatastoreError) {
    let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
    try Self.tell(.create(path: path))
    let file = OpenFile(descriptor: unsafe open(path, flags, 0o644))
    guard file.descriptor >= 0 else { throw Self.failure("create", path) }
    do throws(DatastoreError) {
      try write(bytes, to: file, path: path)
      if clock != nil {
        let times = [accessTime, Self.unchanged]
        guard unsafe futimens(file.descriptor, times) == 0 else {
          throw Self.failure("futimens", path)
        }
      }
      if sync { try Self.sync(file, path) }
    } catch {
      // Half a file helps nobody; that it can't be removed says less than why it was half.
      do throws(DatastoreError) { try removeFile(path) } catch {}
      throw error
    }
  }

  /// Gives a file a new name, replacing what has that name.
  func rename(_ path: String, to target: String) throws(DatastoreError) {
    try Self.tell(.rename(path, to: target))
    guard unsafe Glibc.rename(path, target) == 0 else { throw Self.failure("rename", path) }
  }

  /// Removes a file; false if it wasn't there.
  @discardableResult
  func removeFile(_ path: String) throws(DatastoreError) -> Bool {
    try Self.tell(.remove(path: path))
    if unsafe Glibc.unlink(path) == 0 { return true }
    guard errno == ENOENT else { throw Self.failure("unlink", path) }
    return false
  }

  /// Makes a folder; false if something of that name was there already.
  @discardableResult
  func makeDirectory(_ path: String, mode: UInt32 = 0o755) throws(DatastoreError) -> Bool {
    try Self.tell(.makeDirectory(path: path))
    if unsafe mkdir(path, mode) == 0 { return true }
    guard errno == EEXIST else { throw Self.failure("mkdir", path) }
    return false
  }

  /// Removes an empty folder; false if it wasn't there.
  @discardableResult
  func removeDirectory(_ path: String) throws(DatastoreError) -> Bool {
    try Self.tell(.removeDirectory(path: path))
    if unsafe rmdir(path) == 0 { return true }
    guard errno == ENOENT else { throw Self.failure("rmdir", path) }
    return false
  }

  /// The names in a folder, in no order; nil if it isn't there.
  func names(in directory: String) throws(DatastoreError) -> [String]? {
    guard let stream = unsafe opendir(directory) else {
      guard errno == ENOENT || errno == ENOTDIR else { throw Self.failure("opendir", directory) }
      return nil
    }
    defer { _ = unsafe closedir(stream) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = unsafe readdir(stream) else {
        guard errno == 0 else { throw Self.failure("readdir", directory) }
        return names
      }
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
  }

  /// Makes what was created, renamed or removed in a folder durable.
  func syncDirectory(_ path: String) throws(DatastoreError) {
    let folder = try openDirectory(path)
    try Self.sync(folder, path)
  }

  /// The second in which a file that is written now has its time, by the machine's own clock.
  static var currentSecond: Int {
    var now = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &now)
    return now.tv_sec
  }

  /// Begins to watch the file system of a folder for data that could not be written.
  func watchFileSystem(of path: String) throws(DatastoreError) -> FileSystemWatch {
    FileSystemWatch(try openDirectory(path), path: path)
  }

  /// Sets the access time to now and leaves the modification time; false if nothing is there.
  func touch(_ path: String) throws(DatastoreError) -> Bool {
    try setTimes(path, access: accessTime, modification: Self.unchanged)
  }

  /// Sets the access time to a second since 1970; false if nothing is there.
  func setAccessTime(_ path: String, seconds: Int) throws(DatastoreError) -> Bool {
    let access = timespec(tv_sec: seconds, tv_nsec: 0)
    return try setTimes(path, access: access, modification: Self.unchanged)
  }

  /// How much room the file system of a path has for us.
  func space(at path: String) throws(DatastoreError) -> FileSystemSpace {
    var info = statvfs()
    guard unsafe statvfs(path, &info) == 0 else { throw Self.failure("statvfs", path) }
    let unit = Int64(clamping: info.f_frsize)
    return FileSystemSpace(
      totalBytes: Int64(clamping: info.f_blocks) * unit,
      freeBytes: Int64(clamping: info.f_bavail) * unit
    )
  }
}

/// A file system from the moment the watch begins.
///
/// The kernel tells an open file of write errors since it was opened, and tells them once: a watch
/// begins before the first byte is written, and one whose `sync` failed has nothing more to say.
final class FileSystemWatch: Sendable {
  private let folder: OpenFile
  private let path: String

  fileprivate init(_ folder: consuming OpenFile, path: String) {
    self.folder = folder
    self.path = path
  }

  /// Makes everything written so far to the file system durable.
  func sync() throws(DatastoreError) {
    try FileCalls.tell(.syncAll(path: path))
    guard syncFileSystemOfDescriptor(folder.descriptor) == 0 else {
      throw FileCalls.failure("syncfs", path)
    }
  }
}

// MARK: - Private parts

/// A descriptor that is closed when its owner is done.
private struct OpenFile: ~Copyable, Sendable {
  let descriptor: Int32

  deinit { if descriptor >= 0 { close(descriptor) } }
}

// The C library's module shows this call to GNU sources only.
@_silgen_name("syncfs")
private func syncFileSystemOfDescriptor(_ descriptor: Int32) -> Int32

extension FileCalls {
  // `UTIME_NOW` and `UTIME_OMIT`, macros with a cast that aren't imported.
  private static let timeNow = timespec(tv_sec: 0, tv_nsec: (1 << 30) - 1)
  private static let unchanged = timespec(tv_sec: 0, tv_nsec: (1 << 30) - 2)

  /// The time that a touched file gets.
  private var accessTime: timespec {
    guard let now = clock?.now().milliseconds else { return Self.timeNow }
    return timespec(tv_sec: Int(now / 1000), tv_nsec: Int(now % 1000) * 1_000_000)
  }

  private static func status(of info: stat) -> FileStatus {
    FileStatus(
      isDirectory: info.st_mode & S_IFMT == S_IFDIR,
      isRegularFile: info.st_mode & S_IFMT == S_IFREG,
      byteCount: Int(info.st_size),
      accessSeconds: info.st_atim.tv_sec,
      modificationSeconds: info.st_mtim.tv_sec,
      isLink: info.st_mode & S_IFMT == S_IFLNK
    )
  }

  fileprivate static func failure(_ operation: String, _ path: String) -> DatastoreError {
    let number = errno
    if number == ENOSPC || number == EDQUOT { return .outOfSpace }
    return .io(operation: operation, path: path, errno: number)
  }

  /// Lets a simulation know what is about to be done, and make it fail.
  fileprivate static func tell(
    _ effect: @autoclosure () -> FileEffect
  ) throws(DatastoreError) {
    do throws(DiskError) {
      try FileSimulation.tell(effect())
    } catch .outOfSpace {
      throw .outOfSpace
    } catch .io(let operation, let path, let number) {
      throw .io(operation: operation, path: path, errno: number)
    } catch {
      throw .io(operation: "simulated", path: "", errno: EIO)
    }
  }

  private static func sync(
    _ file: borrowing OpenFile,
    _ path: String
  ) throws(DatastoreError) {
    let descriptor = file.descriptor
    try tell(.sync(path: path, file: descriptor))
    guard fsync(descriptor) == 0 else { throw failure("fsync", path) }
  }

  private func openForReading(_ path: String) throws(DatastoreError) -> OpenFile? {
    try Self.tell(.read(path: path))
    // Not blocking, so that a pipe of that name can't hold us up.
    let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC
    let file = OpenFile(descriptor: unsafe open(path, flags))
    guard file.descriptor < 0 else { return file }
    guard errno == ENOENT || errno == ENOTDIR else { throw Self.failure("open", path) }
    return nil
  }

  private func openDirectory(_ path: String) throws(DatastoreError) -> OpenFile {
    let folder = OpenFile(descriptor: unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC))
    guard folder.descriptor >= 0 else { throw Self.failure("open", path) }
    return folder
  }

  private func read(
    _ file: borrowing OpenFile,
    path: String,
    atMost count: Int
  ) throws(DatastoreError) -> [UInt8] {
    let descriptor = file.descriptor
    var failed = false
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: max(count, 1)) { buffer, used in
      used = 0
      guard let base = UnsafeMutableRawPointer(buffer.baseAddress) else { return }
      while used < count {
        let got = unsafe Glibc.read(descriptor, base + used, count - used)
        if got > 0 {
          used += got
        } else if got == 0 {
          break
        } else if errno != EINTR {
          failed = true
          break
        }
      }
    }
    guard !failed else { throw Self.failure("read", path) }
    return bytes
  }

  /// Fills `bytes` from where the file stands; false if it ends before.
  @unsafe
  private func fill(
    _ bytes: UnsafeMutableRawBufferPointer,
    from file: borrowing OpenFile,
    path: String
  ) throws(DatastoreError) -> Bool {
    var used = 0
    while used < bytes.count {
      let got = unsafe Glibc.read(
        file.descriptor,
        bytes.baseAddress.map { unsafe $0 + used },
        bytes.count - used
      )
      if got > 0 {
        used += got
      } else if got == 0 {
        return false
      } else if errno != EINTR {
        throw Self.failure("read", path)
      }
    }
    return true
  }

  private func write(
    _ bytes: RawSpan,
    to file: borrowing OpenFile,
    path: String
  ) throws(DatastoreError) {
    let descriptor = file.descriptor
    try Self.tell(.write(path: path, file: descriptor))
    let isWhole = unsafe bytes.withUnsafeBytes { buffer in
      var rest = unsafe buffer[...]
      while unsafe rest.count > 0 {
        let written = unsafe Glibc.write(
          descriptor,
          UnsafeRawBufferPointer(rebasing: rest).baseAddress,
          rest.count
        )
        if written >= 0 {
          unsafe rest = rest.dropFirst(written)
        } else if errno != EINTR {
          return false
        }
      }
      return true
    }
    guard isWhole else { throw Self.failure("write", path) }
  }

  private func setTimes(
    _ path: String,
    access: timespec,
    modification: timespec
  ) throws(DatastoreError) -> Bool {
    let times = [access, modification]
    if unsafe utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) == 0 { return true }
    guard errno == ENOENT || errno == ENOTDIR else { throw Self.failure("utimensat", path) }
    return false
  }
}
