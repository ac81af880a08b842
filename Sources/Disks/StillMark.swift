import CLinux
import FoundationEssentials
import Glibc

/// When a file last changed, exact enough to tell later whether it has changed since.
///
/// The kernel sets a file's change time before each write, and nobody else can set it. Equal marks
/// mean equal content as long as the host runs: after a crash of the host data may be on the disk
/// whose time isn't, so that the boot is part of the mark. File systems over a network and the like
/// don't promise it and have no marks.
package struct StillMark: Sendable, Equatable {
  /// The host's boot.
  package let bootID: String
  /// The id of the file system.
  package let fileSystem: String
  /// The number of the file on it.
  package let inode: UInt64
  /// The length in bytes.
  package let size: Int64
  /// The change time in nanoseconds since 1970.
  package let changed: Int64

  /// Makes a mark of its parts.
  package init(bootID: String, fileSystem: String, inode: UInt64, size: Int64, changed: Int64) {
    self.bootID = bootID
    self.fileSystem = fileSystem
    self.inode = inode
    self.size = size
    self.changed = changed
  }

  /// How long ago a change must be in nanoseconds: the kernel's own clock for change times ticks
  /// some hundred times a second, and a second change within a tick wouldn't show.
  static let leastAge: Int64 = 1_000_000_000

  /// ext4, XFS, Btrfs.
  private static let fileSystems: Set<Int64> = [0xEF53, 0x5846_5342, 0x9123_683E]

  /// When the file at `path` last changed, in nanoseconds since 1970.
  package static func changeTime(of path: String) async throws(DiskError) -> Int64 {
    try await BlockingExecutor.files.run { () throws(DiskError) in
      nanoseconds(try Descriptor(path, O_RDONLY | O_NOFOLLOW).status().st_ctim)
    }
  }

  /// The mark of the file at `path`, which must not be a link; nil if it has just changed, or none
  /// can be had.
  package static func of(_ path: String) async throws(DiskError) -> StillMark? {
    try await BlockingExecutor.files.run { () throws(DiskError) in
      guard let bootID = currentBootID() else { return nil }
      let file = try Descriptor(path, O_RDONLY | O_NOFOLLOW)
      let status = try file.status()
      var type: Int64 = 0
      guard unsafe rehome_file_system_type(file.number, &type) == 0 else {
        throw DiskError.last("fstatfs", path)
      }
      guard status.kind == S_IFREG, fileSystems.contains(type) else { return nil }
      var now = timespec()
      guard unsafe clock_gettime(CLOCK_REALTIME, &now) == 0 else { return nil }
      let changed = nanoseconds(status.st_ctim)
      guard nanoseconds(now) - changed >= leastAge else { return nil }
      let identity = try FileIdentity(file)
      return StillMark(
        bootID: bootID,
        fileSystem: identity.fileSystem,
        inode: identity.inode,
        size: identity.size,
        changed: changed
      )
    }
  }

  private static func nanoseconds(_ time: timespec) -> Int64 {
    Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// The kernel's name for this boot of the host; nil where it has none.
  package static func currentBootID() -> String? {
    guard let data = try? Data(contentsOf: URL(filePath: "/proc/sys/kernel/random/boot_id"))
    else { return nil }
    let text = String(decoding: data, as: UTF8.self)
    return text.hasSuffix("\n") ? String(text.dropLast()) : nil
  }
}
