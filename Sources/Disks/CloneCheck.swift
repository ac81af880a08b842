import CLinux
import Glibc
import Model

/// Whether a disk may be cloned instead of copied.
///
/// A clone shares its blocks with the disk that it was made of. When the guest overwrites a shared
/// block it needs a new one, and finds none on a full file system. A clone of very many pieces
/// stalls the guest while it is made.
package enum CloneCheck {
  /// Why there is no clone, or that there may be one.
  package enum Finding: Sendable, Equatable {
    ///
    /// - `unsharedBytes`: What it takes until neither file shares anything any more.
    case allowed(unsharedBytes: Int64)
    /// Too many pieces.
    case fragmented(extents: Int)
    /// Not room enough for both files to have all their blocks to themselves.
    case cramped(neededBytes: Int64, freeBytes: Int64)
    /// The file system doesn't tell what must be known first.
    case unknown
  }

  /// Looks at the disk at `path` and its file system.
  ///
  /// - Parameters:
  ///   - path: The disk's real path.
  ///   - reservedBytes: Free space that is promised to others.
  /// - Returns: Whether it may be cloned, or why not.
  /// - Throws: `notFound` or `io` if it can't be looked at.
  package static func look(
    at path: String,
    reservedBytes: Int64
  ) async throws(DiskError) -> Finding {
    try await BlockingExecutor.files.run { () throws(DiskError) in
      guard let extents = try FileExtents.count(path) else { return .unknown }
      guard extents <= Limits.cloneExtents else { return .fragmented(extents: extents) }
      let file = try Descriptor(path, O_RDONLY | O_NOFOLLOW)
      var info = statvfs()
      guard unsafe fstatvfs(file.number, &info) == 0 else { throw DiskError.last("statvfs", path) }
      let free = Int64(clamping: info.f_bavail) * Int64(clamping: info.f_frsize)
      // Everything shared today may have to be there twice before the undo ends.
      let unshared = Int64(try file.status().st_blocks) * 512
      let needed = unshared + reservedBytes
      return free >= needed
        ? .allowed(unsharedBytes: unshared) : .cramped(neededBytes: needed, freeBytes: free)
    }
  }
}
