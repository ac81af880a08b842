import CLinux
import Glibc
package import Model

/// The I/O priority of the threads that work for one job, changeable while they do.
///
/// The kernel keeps it for each thread, and threads are shared: it is set before each call and
/// taken back after it. A scheduler that knows no priorities (`none`) takes no notice.
package enum ThreadPriority {
  /// Says how urgent the I/O of the job is that the current task works for, and is asked before
  /// each call; nil: the task works for none.
  @TaskLocal package static var ofJob: (@Sendable () -> IOPriority)?

  /// Runs `body` on this thread at a level.
  static func run<Value, Failure: Error>(
    at level: IOPriority,
    _ body: () throws(Failure) -> Value
  ) throws(Failure) -> Value {
    guard level != .normal else { return try body() }
    // A kernel that refuses leaves the thread as it is, which is no reason not to work.
    _ = rehome_io_priority(level.kernelClass, level.kernelLevel)
    defer { _ = rehome_io_priority(IOPriority.normal.kernelClass, 0) }
    return try body()
  }
}

extension IOPriority {
  /// The class in the kernel's numbers: 0 none, 2 best effort, 3 idle.
  fileprivate var kernelClass: Int32 {
    switch self {
    case .idle: 3
    case .low: 2
    case .normal: 0
    }
  }

  /// The level within the class: 7 is the least.
  fileprivate var kernelLevel: Int32 { self == .low ? 7 : 0 }
}
