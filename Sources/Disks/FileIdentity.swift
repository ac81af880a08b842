import CLinux
import Glibc
package import Model

/// What tells one file from another, as far as the system can; kept in the journal.
package struct FileIdentity: Sendable, Equatable, Codable {
  /// The id of the file system, from its UUID on ext4, XFS and Btrfs.
  package let fileSystem: String
  /// The device that the file system is mounted from.
  package let device: UInt64
  /// The number of the file on the file system; numbers are reused.
  package let inode: UInt64
  /// The length in bytes.
  package let size: Int64
  /// When its contents last changed, in nanoseconds since 1970.
  package let modified: Int64

  /// Makes an identity.
  package init(fileSystem: String, device: UInt64, inode: UInt64, size: Int64, modified: Int64) {
    self.fileSystem = fileSystem
    self.device = device
    self.inode = inode
    self.size = size
    self.modified = modified
  }

  /// The identity of the file at `path`, which must not be a link.
  package static func of(_ path: String) async throws(DiskError) -> FileIdentity {
    try await BlockingExecutor.files.run { () throws(DiskError) in
      try FileIdentity(Descriptor(path, O_RDONLY | O_NOFOLLOW))
    }
  }

  init(_ file: borrowing Descriptor) throws(DiskError) {
    let status = try file.status()
    var id: UInt64 = 0
    guard unsafe rehome_file_system_id(file.number, &id) == 0 else {
      throw DiskError.last("fstatfs", file.path)
    }
    let digits = String(id, radix: 16)
    fileSystem = String(repeating: "0", count: 16 - digits.count) + digits
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    size = Int64(status.st_size)
    modified = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
  }
}

/// How full a file system is.
package struct FreeSpace: Sendable, Equatable {
  /// The id of the file system, as in ``FileIdentity``.
  package let fileSystem: String
  /// Its size in bytes.
  package let totalBytes: Int64
  /// What is free in bytes, without what the file system keeps for emergencies.
  package let freeBytes: Int64

  /// What of it stages may take in bytes, beside what is kept for the guests on it.
  package func stageBytes(beside reserve: FreeReserve) -> Int64 {
    max(0, freeBytes - reserve.bytes(of: totalBytes))
  }

  /// Collects what a file system tells.
  package init(fileSystem: String, totalBytes: Int64, freeBytes: Int64) {
    self.fileSystem = fileSystem
    self.totalBytes = totalBytes
    self.freeBytes = freeBytes
  }

  /// The space of the file system that `path` is on.
  package static func at(_ path: String) async throws(DiskError) -> FreeSpace {
    try await BlockingExecutor.files.run { () throws(DiskError) in try measure(path) }
  }

  /// The same for a folder that this process may write to; blocks.
  package static func ofWritable(_ path: String) throws(DiskError) -> FreeSpace {
    guard unsafe access(path, W_OK | X_OK) == 0 else { throw DiskError.last("access", path) }
    return try measure(path)
  }

  private static func measure(_ path: String) throws(DiskError) -> FreeSpace {
    let file = try Descriptor(path, O_RDONLY)
    var info = statvfs()
    guard unsafe fstatvfs(file.number, &info) == 0 else {
      throw DiskError.last("fstatvfs", path)
    }
    return FreeSpace(
      fileSystem: try FileIdentity(file).fileSystem,
      totalBytes: Int64(clamping: UInt64(info.f_blocks) * UInt64(info.f_frsize)),
      freeBytes: Int64(clamping: UInt64(info.f_bavail) * UInt64(info.f_frsize))
    )
  }
}
