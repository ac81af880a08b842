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

  /// Which came first: the end of what is done under the freeze, or its bound.
  private final class Verdict: Sendable {
    private let isInTime = Mutex<Bool?>(nil)

    /// Says which, unless the other came before; gives what counts.
    @discardableResult
    func settle(isInTime: Bool) -> Bool {
      self.isInTime.withLock { known in
        let first = known ?? isInTime
        known = first
        return first
      }
    }
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
    let verdict = Verdict()
    let result = await withTaskGroup(of: Result<Value, HypervisorError>?.self) { group in
      group.addTask {
        defer { verdict.settle(isInTime: true) }
        do throws(HypervisorError) {
          return .success(try await body())
        } catch {
          return .failure(error)
        }
      }
      // Beside it, since a call that hangs in the hypervisor can't be interrupted.
      group.addTask {
        _ = await timer.isAwake(after: bound)
        if !verdict.settle(isInTime: false) { await thaw() }
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
      isInTime: verdict.settle(isInTime: true)
    )
  }
}
