import CLinux
import Glibc

/// Everything that can go wrong between us and a disk.
package enum DiskError: Error, Sendable, Equatable {
  /// A system call, or the server of a disk, failed with an error number.
  case io(operation: String, path: String, errno: Int32)
  /// The file system, or the quota on it, is full.
  case outOfSpace(path: String)
  /// Somebody else has the image open; `by` names them if that can be told.
  case locked(path: String, by: String?)
  /// The disk, or what stands below it, can't do what was asked.
  case unsupported(reason: String)
  /// An image asks for what is never opened.
  case hostile(HostileImage)
  /// A program failed; the message is what it wrote, for people only.
  case tool(name: String, message: String)
  /// The server of a disk has ended while it was needed; the message is what it wrote, for people only.
  case serverEnded(name: String, message: String)
  /// The file at a path isn't the one that it is taken for.
  case stampMismatch(path: String)
  /// There is no such file.
  case notFound(path: String)
  /// The disk was closed.
  case closed

  /// The error of the system call on this thread that has just failed.
  static func last(_ operation: String, _ path: String) -> DiskError {
    of(operation, path, errno)
  }

  /// The error for an error number.
  static func of(_ operation: String, _ path: String, _ number: Int32) -> DiskError {
    switch number {
    case ENOENT: .notFound(path: path)
    case ENOSPC, EDQUOT: .outOfSpace(path: path)
    default: .io(operation: operation, path: path, errno: number)
    }
  }
}

/// Why an image is refused before anything opens it.
package enum HostileImage: Error, Sendable, Equatable {
  /// It doesn't start as its format does, or ends inside its header.
  case malformed
  /// Its version is none that is known.
  case version(UInt32)
  /// It takes unwritten blocks from another file.
  case backingFile
  /// It keeps its data in another file.
  case dataFile
  /// It is encrypted.
  case encrypted
  /// It says that who doesn't know these features must not open it.
  case features(UInt64)
  /// It claims a size that no disk has.
  case size(UInt64)
}
