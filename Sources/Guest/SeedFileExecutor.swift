internal import Disks
internal import Glibc

/// Runs the file calls around seeds on threads that may block.
struct SeedFileExecutor: Sendable {
  private static let threads = BlockingExecutor(label: "rehome.guest.files", width: 4)

  /// Runs `body`, which makes file calls, away from the cooperative pool.
  static func run<Value: Sendable>(
    _ body: @escaping @Sendable (SeedFiles) throws(SeedError) -> Value
  ) async throws(SeedError) -> Value {
    try await threads.run { () throws(SeedError) -> Value in try body(SeedFiles()) }
  }
}

/// The file calls around seeds, each of which may block.
///
/// No call follows a symbolic link in the last part of a path, except where an image is opened
/// that an operator named.
struct SeedFiles: Sendable {
  /// Makes a folder that only we can enter, in place of what an interrupted run left there.
  func makeScratch(_ path: String) throws(SeedError) {
    try removeScratch(path)
    guard unsafe mkdir(path, 0o700) == 0 else { throw Self.failure("mkdir", path) }
  }

  /// Makes a folder of a new name in `parent` that only we can enter, and returns its path.
  func makeTemporary(in parent: String) throws(SeedError) -> String {
    var template = Array("\(parent)/rehome-seed-XXXXXX".utf8CString)
    guard unsafe mkdtemp(&template) != nil else { throw Self.failure("mkdtemp", parent) }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Removes a folder of ours with the files in it, if it is there.
  func removeScratch(_ path: String) throws(SeedError) {
    guard let stream = unsafe opendir(path) else {
      guard errno == ENOENT else { throw Self.failure("opendir", path) }
      return
    }
    while let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { _ = unsafe unlink("\(path)/\(name)") }
    }
    _ = unsafe closedir(stream)
    guard unsafe rmdir(path) == 0 else { throw Self.failure("rmdir", path) }
  }

  /// Writes a new file that only we can read.
  func create(_ path: String, _ text: String) throws(SeedError) {
    let file = try OpenFile(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW)
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = unsafe bytes.withUnsafeBytes { buffer in
        unsafe write(file.descriptor, buffer.baseAddress, buffer.count)
      }
      guard count > 0 else {
        if errno == EINTR { continue }
        throw Self.failure("write", path)
      }
      bytes = bytes.dropFirst(count)
    }
  }

  /// Reads at most `limit` bytes from the beginning of a regular file or a block device.
  func head(_ path: String, limit: Int, following: Bool = false) throws(SeedError) -> [UInt8] {
    // Without O_NONBLOCK the opening of a pipe would wait for ever.
    let file = try OpenFile(path, O_RDONLY | O_NONBLOCK | (following ? 0 : O_NOFOLLOW))
    var info = stat()
    guard unsafe fstat(file.descriptor, &info) == 0 else { throw Self.failure("stat", path) }
    guard [S_IFREG, S_IFBLK].contains(info.st_mode & S_IFMT) else {
      throw .unreadable(path: path, reason: "it is neither a file nor a disk")
    }
    var bytes = [UInt8](repeating: 0, count: limit)
    var done = 0
    while done < limit {
      let count = unsafe bytes.withUnsafeMutableBytes { buffer in
        unsafe read(file.descriptor, buffer.baseAddress.map { unsafe $0 + done }, limit - done)
      }
      if count < 0 {
        if errno == EINTR { continue }
        throw Self.failure("read", path)
      }
      if count == 0 { break }
      done += count
    }
    return Array(bytes.prefix(done))
  }

  /// Gives a finished file its owner and mode, makes it durable and gives it its name.
  func publish(
    _ path: String,
    as name: String,
    in folder: String,
    owner: RuntimeDirectory.Owner?,
    mode: UInt32
  ) throws(SeedError) {
    let file = try OpenFile(path, O_RDWR | O_NOFOLLOW)
    if let owner, fchown(file.descriptor, owner.user, owner.group) != 0 {
      throw Self.failure("chown", path)
    }
    guard fchmod(file.descriptor, mode) == 0 else { throw Self.failure("chmod", path) }
    guard fsync(file.descriptor) == 0 else { throw Self.failure("fsync", path) }
    guard unsafe rename(path, "\(folder)/\(name)") == 0 else { throw Self.failure("rename", path) }
    let directory = try OpenFile(folder, O_RDONLY | O_DIRECTORY)
    guard fsync(directory.descriptor) == 0 else { throw Self.failure("fsync", folder) }
  }

  static func failure(_ operation: String, _ path: String) -> SeedError {
    switch errno {
    case ENOENT: .notFound(path: path)
    case ENOSPC, EDQUOT: .outOfSpace(path: path)
    default: .io(operation: operation, path: path, errno: errno)
    }
  }
}

/// A file that is closed when nobody uses it any more.
private struct OpenFile: ~Copyable {
  let descriptor: Int32

  init(_ path: String, _ flags: Int32) throws(SeedError) {
    let number = unsafe open(path, flags | O_CLOEXEC, 0o600)
    guard number >= 0 else { throw SeedFiles.failure("open", path) }
    descriptor = number
  }

  deinit { _ = close(descriptor) }
}
