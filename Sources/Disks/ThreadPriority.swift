import CLinux
import Glibc
package import Model
import Synchronization

/// The I/O priority of the threads that work for one job, changeable while they do.
///
/// The kernel keeps it for each thread, and threads are shared: it is set before each call and
/// taken back after it. A scheduler that knows no priorities (`none`) takes no notice.
package final class ThreadPriority: Sendable {
  private let level: Mutex<IOPriority>

  /// Makes a priority.
  package init(_ level: IOPriority = .normal) {
    self.level = Mutex(level)
  }

  /// The level from the next call on.
  package var current: IOPriority { level.withLock { $0 } }

  /// Changes the level from the next call on.
  package func set(_ level: IOPriority) {
    self.level.withLock { $0 = level }
  }

  /// Runs `body` on this thread at the level as it is now.
  func apply<Value, Failure: Error>(
    _ body: () throws(Failure) -> Value
  ) throws(Failure) -> Value {
    let level = current
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
