import CLinux
import Glibc

/// Whether a disk's file can be exchanged where it stands.
package enum DiskQualification: Sendable, Equatable {
  /// It can; the path is the real one, with no links on the way.
  case qualified(path: String, identity: FileIdentity)
  /// It can't.
  case unqualified(Reason)

  /// Why a disk's file can't be exchanged.
  package enum Reason: String, Sendable, Equatable {
    /// There is nothing at the path.
    case missing
    /// It is a device, a directory, or something else that isn't a file.
    case notRegularFile
    /// It has several names, and an exchange would change what only one of them means.
    case severalNames
    /// Something is mounted on it.
    case mountPoint
    /// It isn't on the file system of its directory, or the file system can't exchange two files.
    case cannotExchange
    /// The file system can't hold our stamps.
    case noExtendedAttributes
    /// With our ending its name would be too long.
    case nameTooLong
  }

  /// The longest name of a job that must fit into a stage's name, in bytes.
  private static let longestJob = 40
  private static let longestName = 255

  /// Looks at the file that `path` leads to, and tries an exchange with two scratch files beside it.
  package static func check(_ path: String) async throws(DiskError) -> DiskQualification {
    try await BlockingExecutor.files.run { () throws(DiskError) in
      guard let real = try resolve(path) else { return .unqualified(.missing) }
      if let reason = try obstacle(real) { return .unqualified(reason) }
      let name = Stage.path(for: real, job: String(repeating: "x", count: longestJob)).fileName
      guard name.utf8.count <= longestName else { return .unqualified(.nameTooLong) }
      if let reason = try probe(real.directoryPath) { return .unqualified(reason) }
      let file = try Descriptor(real, O_RDONLY | O_NOFOLLOW)
      return .qualified(path: real, identity: try FileIdentity(file))
    }
  }

  /// What keeps the file at `path` itself from being exchanged; nil if nothing does.
  static func obstacle(_ path: String) throws(DiskError) -> Reason? {
    var file = stat()
    var directory = stat()
    guard unsafe lstat(path, &file) == 0 else {
      if errno == ENOENT { return .missing }
      throw DiskError.last("lstat", path)
    }
    guard file.kind == S_IFREG else { return .notRegularFile }
    var own: UInt64 = 0
    var parent: UInt64 = 0
    guard unsafe rehome_mount_id(path, &own) == 0,
      unsafe rehome_mount_id(path.directoryPath, &parent) == 0,
      unsafe stat(path.directoryPath, &directory) == 0
    else { throw DiskError.last("statx", path) }
    guard own == parent else { return .mountPoint }
    guard file.st_dev == directory.st_dev else { return .cannotExchange }
    return file.st_nlink == 1 ? nil : .severalNames
  }

  /// The real path; nil if there is nothing at its end.
  static func resolve(_ path: String) throws(DiskError) -> String? {
    guard let real = unsafe realpath(path, nil) else {
      if errno == ENOENT { return nil }
      throw DiskError.last("realpath", path)
    }
    defer { unsafe free(real) }
    return unsafe String(cString: real)
  }

  private static func probe(_ directory: String) throws(DiskError) -> Reason? {
    let tag = String(UInt64.random(in: 0...UInt64.max), radix: 36)
    let paths = ["a", "b"].map { "\(directory)/.rehome-probe-\(tag)-\($0)" }
    defer { for path in paths { FileName.removeIfPossible(path) } }
    var inodes: [UInt64] = []
    for path in paths {
      let file = try Descriptor(path, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
      inodes.append(UInt64(try file.status().st_ino))
      do throws(DiskError) {
        try Stamp(role: .new, job: "probe", disk: "probe").write(file)
      } catch .io(_, _, ENOTSUP), .io(_, _, EPERM) {
        return .noExtendedAttributes
      }
    }
    do throws(DiskError) {
      try FileName.exchange(paths[0], paths[1])
    } catch .io(_, _, let number) where [EINVAL, ENOSYS, ENOTSUP].contains(number) {
      return .cannotExchange
    }
    let moved = UInt64(try Descriptor(paths[0], O_RDONLY).status().st_ino)
    return moved == inodes[1] ? nil : .cannotExchange
  }
}
