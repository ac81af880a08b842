import CLinux
import Glibc

/// A disk that is written over where it is, instead of being exchanged.
package enum InPlaceTarget {
  /// The real path of what `path` leads to, which must be a regular file or a block device.
  ///
  /// - Throws: `unsupported` for anything else.
  package static func resolve(_ path: String) async throws(DiskError) -> String {
    try await BlockingExecutor.files.run { () throws(DiskError) in
      guard let real = try DiskQualification.resolve(path) else {
        throw DiskError.notFound(path: path)
      }
      var status = stat()
      guard unsafe lstat(real, &status) == 0 else { throw DiskError.last("lstat", real) }
      guard status.kind == S_IFREG || status.kind == S_IFBLK else {
        throw DiskError.unsupported(reason: "neither a regular file nor a block device")
      }
      return real
    }
  }

  /// Whether the target at a real path is a file, and no device.
  package static func isFile(_ path: String) async throws(DiskError) -> Bool {
    try await BlockingExecutor.files.run { () throws(DiskError) in
      var status = stat()
      guard unsafe lstat(path, &status) == 0 else { throw DiskError.last("lstat", path) }
      return status.kind == S_IFREG
    }
  }
}
