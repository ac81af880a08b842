import Hypervisor
import Model
import Synchronization

/// What a guest's file systems are frozen for, and no longer than its bound.
enum FrozenSection {
  /// How a section ended.
  struct End<Value: Sendable>: Sendable {
    /// What it came to.
    let result: Result<Value, HypervisorError>
    /// Whether it ended within its bound, so that the guest was frozen for all of it.
    let isInTime: Bool
  }

  private final class Course: Sendable {
    /// Whether what is done under the freeze is over.
    let isOver = Mutex(false)
    /// Whether it wasn't at the bound.
    let isLate = Mutex(false)
  }

  /// Does `body`, and `thaw` beside it if that isn't over at the bound, or when the task is
  /// cancelled.
  ///
  /// A hypervisor that hangs in what it was asked for still passes a thaw on. Whoever calls thaws
  /// after it in any case: a freeze may bite late.
  static func run<Value: Sendable>(
    bound: Duration,
    timer: any Clock<Duration>,
    thaw: @escaping @Sendable () async -> Void,
    body: @escaping @Sendable () async throws(HypervisorError) -> Value
  ) async -> End<Value> {
    let course = Course()
    let result = await withTaskGroup(of: Result<Value, HypervisorError>?.self) { group in
      group.addTask {
        let result: Result<Value, HypervisorError>
        do throws(HypervisorError) {
          result = .success(try await body())
        } catch {
          result = .failure(error)
        }
        course.isOver.withLock { $0 = true }
        return result
      }
      group.addTask {
        _ = await timer.isAwake(after: bound)
        guard !course.isOver.withLock({ $0 }) else { return nil }
        course.isLate.withLock { $0 = true }
        await thaw()
        return nil
      }
      var result: Result<Value, HypervisorError>?
      while let end = await group.next() {
        guard let end else { continue }
        result = end
        group.cancelAll()
      }
      return result
    }
    return End(
      result: result ?? .failure(.unavailable("the section ended without a result")),
      isInTime: !course.isLate.withLock { $0 }
    )
  }
}
