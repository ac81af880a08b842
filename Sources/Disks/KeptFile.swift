import CLinux
import Glibc
import Model

/// A small file that is kept aside and put back where it was, such as what a firmware stores.
package enum KeptFile {
  /// How much is read and written at a time.
  private static let pieceBytes = 1 << 20

  /// Says whether the file at `path` can be kept and put back, before anything depends on it.
  ///
  /// - Throws: Why not; `unsupported` for what is no small regular file. One that isn't there can be.
  package static func check(_ path: String) async throws(DiskError) {
    try await BlockingExecutor.files.run { () throws(DiskError) in
      do throws(DiskError) { _ = try open(path, O_RDWR) } catch .notFound {}
    }
  }

  /// Copies the file at `path` to `copy`, whole and durable or not at all.
  ///
  /// Where there is none the copy is empty.
  package static func keep(_ path: String, as copy: String) async throws(DiskError) {
    try await BlockingExecutor.files.run { () throws(DiskError) in
      let partial = "\(copy).partial"
      do throws(DiskError) { try FileName.remove(partial) } catch .notFound {}
      let file = try Descriptor(partial, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, mode: 0o600)
      do throws(DiskError) {
        try transfer(open(path, O_RDONLY), to: file)
      } catch .notFound {}
      try file.sync()
      try FileName.rename(partial, to: copy)
      try Descriptor(copy.directoryPath, O_RDONLY | O_DIRECTORY).sync()
    }
  }

  /// Makes the file at `path` what `copy` says it was, durable; done twice it ends as done once.
  ///
  /// It is written over where it is, so that owner, mode and label stay. `copy` stays, too.
  package static func putBack(_ copy: String, to path: String) async throws(DiskError) {
    try await BlockingExecutor.files.run { () throws(DiskError) in
      let source = try open(copy, O_RDONLY)
      let size = Int64(try source.status().st_size)
      guard size > 0 else { return try remove(path) }
      let file = try openOrMake(path)
      if Int64(try file.status().st_size) != size { try file.resize(to: size) }
      try transfer(source, to: file, isThere: true)
      // Also where all of it was right: who wrote it may have died before it was on the disk.
      try file.sync()
      try Descriptor(path.directoryPath, O_RDONLY | O_DIRECTORY).sync()
    }
  }

  private static func remove(_ path: String) throws(DiskError) {
    do throws(DiskError) { try FileName.remove(path) } catch .notFound {}
    try Descriptor(path.directoryPath, O_RDONLY | O_DIRECTORY).sync()
  }

  private static func open(_ path: String, _ flags: Int32) throws(DiskError) -> Descriptor {
    let file = try Descriptor(path, flags | O_NOFOLLOW | O_NONBLOCK)
    let status = try file.status()
    guard status.kind == S_IFREG, status.st_size <= Limits.keptFileBytes else {
      throw .unsupported(
        reason: "it is no regular file of at most \(Limits.keptFileBytes) bytes"
      )
    }
    return file
  }

  private static func openOrMake(_ path: String) throws(DiskError) -> Descriptor {
    do throws(DiskError) {
      return try open(path, O_RDWR)
    } catch .notFound {
      return try Descriptor(path, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW, mode: 0o600)
    }
  }

  /// Writes one file's bytes to another, piece by piece; where they may be there, only what differs.
  private static func transfer(
    _ source: borrowing Descriptor,
    to file: borrowing Descriptor,
    isThere: Bool = false
  ) throws(DiskError) {
    let size = Int64(try source.status().st_size)
    var offset: Int64 = 0
    while offset < size {
      let count = Int(min(Int64(pieceBytes), size - offset))
      let bytes = try read(count, of: source, at: offset)
      var present: [UInt8]?
      if isThere { present = try read(count, of: file, at: offset) }
      if present != bytes { try write(bytes, to: file, at: offset) }
      offset += Int64(count)
    }
  }

  private static func read(
    _ count: Int,
    of file: borrowing Descriptor,
    at offset: Int64
  ) throws(DiskError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var span = bytes.mutableSpan
    var raw = unsafe span.mutableBytes
    try unsafe raw.withUnsafeMutableBytes { target throws(DiskError) in
      try unsafe file.read(target, at: offset)
    }
    return bytes
  }

  private static func write(
    _ bytes: [UInt8],
    to file: borrowing Descriptor,
    at offset: Int64
  ) throws(DiskError) {
    try unsafe bytes.span.bytes.withUnsafeBytes { source throws(DiskError) in
      try unsafe file.write(source, at: offset)
    }
  }
}
