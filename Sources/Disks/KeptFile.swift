import CLinux
import Glibc
import Model

/// A small file that is kept aside and put back where it was, such as what a firmware stores.
package enum KeptFile {
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
      let bytes = try content(of: path)
      let partial = "\(copy).partial"
      do throws(DiskError) { try FileName.remove(partial) } catch .notFound {}
      let file = try Descriptor(partial, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, mode: 0o600)
      try write(bytes, to: file)
      try file.sync()
      try FileName.rename(partial, to: copy)
      try Descriptor(copy.directoryPath, O_RDONLY | O_DIRECTORY).sync()
    }
  }

  /// Makes the file at `path` what `copy` says it was; done twice it ends as done once.
  ///
  /// It is written over where it is, so that owner, mode and label stay. `copy` stays, too.
  package static func putBack(_ copy: String, to path: String) async throws(DiskError) {
    try await BlockingExecutor.files.run { () throws(DiskError) in
      let bytes = try open(copy, O_RDONLY).beginning(Limits.keptFileBytes)
      guard !bytes.isEmpty else { return try remove(path) }
      guard try bytes != content(of: path) else { return }
      let file: Descriptor
      do throws(DiskError) {
        file = try open(path, O_RDWR)
      } catch .notFound {
        file = try Descriptor(path, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW, mode: 0o600)
      }
      try write(bytes, to: file)
      try file.resize(to: Int64(bytes.count))
      try file.sync()
      try Descriptor(path.directoryPath, O_RDONLY | O_DIRECTORY).sync()
    }
  }

  private static func remove(_ path: String) throws(DiskError) {
    do throws(DiskError) { try FileName.remove(path) } catch .notFound { return }
    try Descriptor(path.directoryPath, O_RDONLY | O_DIRECTORY).sync()
  }

  /// All of a file; nothing where there is none.
  private static func content(of path: String) throws(DiskError) -> [UInt8] {
    do throws(DiskError) {
      return try open(path, O_RDONLY).beginning(Limits.keptFileBytes)
    } catch .notFound {
      return []
    }
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

  private static func write(_ bytes: [UInt8], to file: borrowing Descriptor) throws(DiskError) {
    try unsafe bytes.span.bytes.withUnsafeBytes { source throws(DiskError) in
      try unsafe file.write(source, at: 0)
    }
  }
}
