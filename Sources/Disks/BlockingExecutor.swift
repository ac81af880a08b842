import Dispatch
import Synchronization

/// Runs calls that block (file I/O, C libraries, waiting for processes) away from the cooperative
/// pool.
///
/// One executor is one bounded set of threads: a stuck disk must not starve the calls to libvirt,
/// so each kind of work has an executor of its own.
package struct BlockingExecutor: Sendable {
  // One serial queue a call, not one concurrent queue: a serial queue gets a thread at once, while
  // all concurrent queues, and Swift's own pool, share as many threads as there are processors.
  // Two blocked calls on such a queue would stall the whole process on a small host.
  private let lanes: Lanes
  private let slots: AsyncSlots
  private let priority: ThreadPriority?

  /// Makes an executor on which at most `width` calls run at the same time, at the I/O priority
  /// that `priority` says at the moment of each.
  package init(label: String, width: Int, priority: ThreadPriority? = nil) {
    lanes = Lanes(label: label, count: width)
    slots = AsyncSlots(count: width)
    self.priority = priority
  }

  /// Runs `body` on one of the executor's threads and waits for it without holding a pool thread.
  ///
  /// The call isn't interrupted by cancellation: what blocks in the kernel can't be.
  package func run<Value: Sendable, Failure: Error>(
    _ body: @escaping @Sendable () throws(Failure) -> Value
  ) async throws(Failure) -> Value {
    if let observer = FileSimulation.observer {
      // On one thread, so that a seed alone decides the order of things.
      await observer.turn()
      return try body()
    }
    await slots.acquire()
    let lane = lanes.take()
    let priority = priority
    let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
      lane.async {
        do throws(Failure) {
          let value =
            switch priority {
            case .some(let priority): try priority.apply(body)
            case nil: try body()
            }
          continuation.resume(returning: .success(value))
        } catch {
          continuation.resume(returning: .failure(error))
        }
      }
    }
    lanes.giveBack(lane)
    slots.release()
    return try result.get()
  }
}

/// The queues of an executor that have nothing to do.
private final class Lanes: Sendable {
  private let idle: Mutex<[DispatchQueue]>

  init(label: String, count: Int) {
    idle = Mutex((0..<count).map { DispatchQueue(label: "\(label).\($0)") })
  }

  func take() -> DispatchQueue {
    guard let lane = idle.withLock({ $0.popLast() }) else {
      preconditionFailure("there is a lane for each slot")
    }
    return lane
  }

  func giveBack(_ lane: DispatchQueue) {
    idle.withLock { $0.append(lane) }
  }
}
