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
  private let path: String

  /// Takes the lock without waiting, making the file when there is none.
  package init(path: String, mode: Mode) throws(Failure) {
    let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .io(operation: "open", path: path, errno: errno) }
    do throws(Failure) {
      try Self.set(mode, descriptor, path)
    } catch {
      close(descriptor)
      throw error
    }
    self.descriptor = descriptor
    self.path = path
  }

  deinit { close(descriptor) }

  /// Changes the lock without letting go of it in between; what somebody else's lock keeps from
  /// being changed stays as it was.
  package func change(to mode: Mode) throws(Failure) {
    try Self.set(mode, descriptor, path)
  }

  private static func set(
    _ mode: Mode,
    _ descriptor: Int32,
    _ path: String
  ) throws(Failure) {
    var range = flock()
    range.l_type = Int16(mode == .shared ? F_RDLCK : F_WRLCK)
    range.l_whence = Int16(SEEK_SET)
    guard unsafe fcntl(descriptor, setOpenFileLock, &range) == 0 else {
      let number = errno
      if number == EAGAIN || number == EACCES { throw .busy(path: path) }
      throw .io(operation: "lock", path: path, errno: number)
    }
  }

  // `F_OFD_SETLK`, which the C library's module shows to GNU sources only.
  private static let setOpenFileLock: Int32 = 37
}
