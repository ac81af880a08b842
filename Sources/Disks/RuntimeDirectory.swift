import CLinux
import FoundationEssentials
import Glibc

/// A directory for sockets and scratch files that only its owner can enter.
package struct RuntimeDirectory: Sendable, Equatable {
  /// What the names of private ones begin with.
  private static let privatePrefix = "nbd-"

  /// Where it is.
  package let path: String

  /// Names a directory that was made before, by this process or one that died.
  package init(path: String) {
    self.path = path
  }

  /// A user and a group, by number.
  package struct Owner: Sendable, Equatable {
    /// The user's number.
    package let user: UInt32
    /// The group's number.
    package let group: UInt32

    /// Makes an owner.
    package init(user: UInt32, group: UInt32) {
      self.user = user
      self.group = group
    }
  }

  /// Makes the directory at `path`, or takes over the one there after setting its mode and owner.
  ///
  /// What stands there and is no directory, or is someone else's, is refused: who made it could
  /// reach into it.
  ///
  /// - Parameters:
  ///   - path: Where; its parent must exist.
  ///   - mode: Who may enter.
  ///   - owner: Whose it is to be, such as QEMU's user; ours if nil.
  /// - Returns: The directory.
  /// - Throws: `unsupported` if the one there is someone else's.
  @discardableResult
  package static func ensure(
    _ path: String,
    mode: UInt32 = 0o700,
    owner: Owner? = nil
  ) async throws(DiskError) -> RuntimeDirectory {
    try await BlockingExecutor.files.run { () throws(DiskError) in
      try FileSimulation.tell(.makeDirectory(path: path))
      if unsafe mkdir(path, mode) == 0 {
        // What is synced in it would be lost with its name.
        try Descriptor(path.directoryPath, O_RDONLY | O_DIRECTORY).sync()
      } else if errno != EEXIST {
        throw DiskError.last("mkdir", path)
      }
      let directory = try Descriptor(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
      let status = try directory.status()
      guard status.st_uid == geteuid() || status.st_uid == owner?.user else {
        throw DiskError.unsupported(reason: "the directory belongs to someone else")
      }
      let owner = owner ?? Owner(user: geteuid(), group: getegid())
      guard fchown(directory.number, owner.user, owner.group) == 0 else {
        throw DiskError.last("chown", path)
      }
      // Said again because of the umask, and because the directory may be older.
      guard fchmod(directory.number, mode) == 0 else { throw DiskError.last("chmod", path) }
      return RuntimeDirectory(path: path)
    }
  }

  /// Makes a new directory with a name of its own in `parent`, for us alone.
  static func makePrivate(in parent: String) async throws(DiskError) -> RuntimeDirectory {
    try await BlockingExecutor.files.run { () throws(DiskError) in
      var template = Array("\(parent)/\(privatePrefix)XXXXXX".utf8CString)
      guard unsafe mkdtemp(&template) != nil else { throw DiskError.last("mkdtemp", parent) }
      let bytes = template.dropLast().map { UInt8(bitPattern: $0) }
      return RuntimeDirectory(path: String(decoding: bytes, as: UTF8.self))
    }
  }

  /// Removes the private ones that a dead process has left in `parent`.
  ///
  /// Only for the one process that makes any there, before it does.
  package static func removeAbandoned(in parent: String) async {
    let names = await BlockingExecutor.files.run {
      (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
    }
    for name in names where name.hasPrefix(privatePrefix) {
      await RuntimeDirectory(path: "\(parent)/\(name)").remove()
    }
  }

  /// Whether it is there; one that can't be looked at is.
  package func isThere() async -> Bool {
    do throws(DiskError) {
      _ = try await FileIdentity.of(path)
      return true
    } catch {
      return error != .notFound(path: path)
    }
  }

  /// Removes the directory and the files in it, leaving what can't be removed.
  package func remove() async {
    await BlockingExecutor.files.run { [path] in
      if let listing = unsafe opendir(path) {
        while let entry = unsafe readdir(listing) {
          let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
            unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) {
              unsafe String(cString: $0)
            }
          }
          if name != "." && name != ".." { FileName.removeIfPossible("\(path)/\(name)") }
        }
        unsafe closedir(listing)
      }
      do throws(DiskError) {
        try FileSimulation.tell(.removeDirectory(path: path))
        unsafe rmdir(path)
      } catch {}
    }
  }
}
