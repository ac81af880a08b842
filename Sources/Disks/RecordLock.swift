import CLinux
import Glibc

/// A lock on a whole file that every process sees that asks for one, held until the value goes.
///
/// It is a record lock of the open file description: two of them in one process exclude each
/// other too, and closing some other descriptor of the file doesn't drop it. `flock` is another
/// kind of lock, which never meets these.
package final class RecordLock: Sendable {
  /// Who else may hold a lock on the file.
  package enum Mode: Sendable {
    /// Others may share it.
    case shared
    /// Nobody else may.
    case exclusive
  }

  /// Why a lock could not be had.
  package enum Failure: Error, Equatable, Sendable {
    /// Somebody holds a lock that excludes this one.
    case busy(path: String)
    /// The file could not be opened or locked.
    case io(operation: String, path: String, errno: Int32)
  }

  private let descriptor: Int32

  /// Takes the lock without waiting, making the file when there is none.
  package init(path: String, mode: Mode) throws(Failure) {
    let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .io(operation: "open", path: path, errno: errno) }
    var range = flock()
    range.l_type = Int16(mode == .shared ? F_RDLCK : F_WRLCK)
    range.l_whence = Int16(SEEK_SET)
    guard unsafe fcntl(descriptor, Self.setOpenFileLock, &range) == 0 else {
      let number = errno
      close(descriptor)
      if number == EAGAIN || number == EACCES { throw .busy(path: path) }
      throw .io(operation: "lock", path: path, errno: number)
    }
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  // `F_OFD_SETLK`, which the C library's module shows to GNU sources only.
  private static let setOpenFileLock: Int32 = 37
}
