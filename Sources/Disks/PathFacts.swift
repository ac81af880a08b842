import CLinux
import Glibc

extension RuntimeDirectory.Owner {
  /// Whose the file at `path` is, links followed.
  package static func of(_ path: String) async throws(DiskError) -> RuntimeDirectory.Owner {
    try await BlockingExecutor.files.run { () throws(DiskError) in
      let status = try Descriptor(path, O_RDONLY).status()
      return RuntimeDirectory.Owner(user: status.st_uid, group: status.st_gid)
    }
  }
}

/// Where a path leads.
package enum RealPath {
  /// The path without links; `notFound` if nothing is at its end.
  package static func of(_ path: String) async throws(DiskError) -> String {
    try await BlockingExecutor.files.run { () throws(DiskError) in
      guard let real = try DiskQualification.resolve(path) else {
        throw DiskError.notFound(path: path)
      }
      return real
    }
  }
}

/// Removes files that carry no stamp because they aren't disks.
package enum FileRemoval {
  /// Removes the file at `path` for good; one that isn't there is removed already.
  package static func remove(_ path: String) async throws(DiskError) {
    try await BlockingExecutor.files.run { () throws(DiskError) in
      do throws(DiskError) {
        try FileName.remove(path)
        try Descriptor(path.directoryPath, O_RDONLY | O_DIRECTORY).sync()
      } catch .notFound {}
    }
  }
}
