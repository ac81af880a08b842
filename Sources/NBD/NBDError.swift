import CLibnbd

/// What libnbd, or the server behind it, said about a call that failed.
package struct NBDError: Error, Sendable, Equatable {
  /// The call, such as `pread`.
  package let operation: String
  /// The system's error number; 0 when libnbd gave none.
  package let errno: Int32
  /// What libnbd adds, for people only.
  package let message: String

  /// Makes an error.
  package init(operation: String, errno: Int32, message: String) {
    self.operation = operation
    self.errno = errno
    self.message = message
  }

  /// The failure of the last libnbd call on this thread.
  static func last(_ operation: String) -> NBDError {
    let message = unsafe nbd_get_error().map { unsafe String(cString: $0) }
    return NBDError(operation: operation, errno: nbd_get_errno(), message: message ?? "")
  }
}
