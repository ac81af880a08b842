import CLinux
import Glibc

/// Files that are made large and take only what is written to them.
package enum SparseFile {
  /// Makes a file of `size` zero bytes, its name durable, that only we may read.
  ///
  /// - Throws: `io` with `EEXIST` if something of that name is there.
  package static func create(_ path: String, size: Int64) async throws(DiskError) {
    try await BlockingExecutor.files.run { () throws(DiskError) in
      let file = try Descriptor(path, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
      try file.resize(to: size)
      try file.sync()
      try Descriptor(path.directoryPath, O_RDONLY | O_DIRECTORY).sync()
    }
  }
}
