import CLinux
import Glibc

/// Who may open a file: owner, mode, access list and security label.
package enum FileAttributes {
  /// The access list that goes beyond the mode.
  private static let accessList = "system.posix_acl_access"
  /// Attributes that decide who may open a file.
  ///
  /// Not libvirt's own notes on the owner to restore: they describe another file's history.
  private static let copied = [accessList, "security.selinux", "security.SMACK64"]
  private static let longest = 65536

  /// Makes who may open `target` the same as for `source`.
  package static func copy(from source: String, to target: String) async throws(DiskError) {
    try await BlockingExecutor.files.run { () throws(DiskError) in
      try copy(
        from: Descriptor(source, O_RDONLY | O_NOFOLLOW),
        to: Descriptor(target, O_RDONLY | O_NOFOLLOW)
      )
    }
  }

  static func copy(
    from source: borrowing Descriptor,
    to target: borrowing Descriptor
  ) throws(DiskError) {
    let status = try source.status()
    try FileSimulation.tell(.mark(path: target.path, file: target.number))
    guard fchown(target.number, status.st_uid, status.st_gid) == 0 else {
      throw DiskError.last("fchown", target.path)
    }
    guard fchmod(target.number, status.st_mode & 0o7777) == 0 else {
      throw DiskError.last("fchmod", target.path)
    }
    for name in copied {
      if let value = try source.attribute(name, longest: longest) {
        try target.setAttribute(name, value)
      } else if name == accessList, try target.attribute(name, longest: longest) != nil {
        guard unsafe fremovexattr(target.number, name) == 0 else {
          throw DiskError.last("fremovexattr", target.path)
        }
      }
    }
  }
}
