import Dispatch
import Glibc
import Synchronization

/// The one thread that starts our long-lived children.
///
/// The kernel's "kill it when the parent dies" means the parent *thread*. Threads of a pool end
/// when there is nothing to do, so children are started from one that never does.
final class SpawnThread: Sendable {
  static let shared = SpawnThread()

  private let requests = Mutex<[@Sendable () -> Void]>([])
  private let arrived = DispatchSemaphore(value: 0)

  private init() {
    var thread = pthread_t()
    let result = unsafe pthread_create(
      &thread,
      nil,
      { _ in
        SpawnThread.shared.serve()
      },
      nil
    )
    precondition(result == 0, "a process that can't start a thread can't do its work")
  }

  /// Runs `body` on the thread and waits for it.
  func run<Value: Sendable, Failure: Error>(
    _ body: @escaping @Sendable () throws(Failure) -> Value
  ) async throws(Failure) -> Value {
    let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
      requests.withLock { requests in
        requests.append {
          do throws(Failure) {
            continuation.resume(returning: .success(try body()))
          } catch {
            continuation.resume(returning: .failure(error))
          }
        }
      }
      arrived.signal()
    }
    return try result.get()
  }

  private func serve() -> Never {
    while true {
      arrived.wait()
      let request = requests.withLock { $0.isEmpty ? nil : $0.removeFirst() }
      request?()
    }
  }
}
