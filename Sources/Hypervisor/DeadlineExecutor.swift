import Dispatch
import Foundation
import Synchronization

/// Runs blocking calls on threads of its own and stops waiting for each at its deadline.
///
/// A call into libvirt can't be interrupted: after the deadline its thread stays with it until the
/// library lets go (keep-alive sees to that), while the caller goes on. That is why this is not the
/// executor of the disks, which has no deadlines.
struct DeadlineExecutor: Sendable {
  private let calls: CallLanes
  private let timers: DispatchQueue

  /// Makes an executor on which at most `width` calls run at the same time.
  init(label: String, width: Int) {
    calls = CallLanes(label: label, width: width)
    timers = DispatchQueue(label: "\(label).deadlines")
  }

  /// Runs `body` on one of the executor's threads and waits for it, but not past the limit.
  ///
  /// - Throws: What `body` throws, or ``HypervisorError/timedOut(operation:)``; `unavailable` for a call
  ///   that no thread was free for in time, which is never begun.
  func run<Value: Sendable>(
    _ operation: String,
    within limit: Duration,
    _ body: @escaping @Sendable () throws(HypervisorError) -> Value
  ) async throws(HypervisorError) -> Value {
    let result: Result<Value, HypervisorError> = await withCheckedContinuation { continuation in
      let answer = Answer(continuation)
      timers.asyncAfter(deadline: .now() + limit.timeInterval) {
        answer.giveUp(operation)
      }
      calls.add {
        guard answer.begin() else { return }
        do throws(HypervisorError) {
          answer.give(.success(try body()))
        } catch {
          answer.give(.failure(error))
        }
      }
    }
    return try result.get()
  }

  /// Runs `body` some time, with nobody waiting for it.
  func enqueue(_ body: @escaping @Sendable () -> Void) {
    calls.add(body)
  }
}

/// The threads of an executor, and the calls that wait for one of them in the order they came.
///
/// One serial queue a thread, not one queue that is concurrent: those share as many threads as there
/// are processors with the whole process, so that calls that hang, made by anyone, would keep all
/// others from being begun.
private final class CallLanes: Sendable {
  typealias Call = @Sendable () -> Void

  private struct State {
    var idle: [DispatchQueue]
    var waiting: [Call] = []
  }

  private let state: Mutex<State>

  init(label: String, width: Int) {
    state = Mutex(State(idle: (0..<width).map { DispatchQueue(label: "\(label).\($0)") }))
  }

  func add(_ call: @escaping Call) {
    let lane = state.withLock { state in
      let lane = state.idle.popLast()
      if lane == nil { state.waiting.append(call) }
      return lane
    }
    guard let lane else { return }
    lane.async {
      call()
      self.makeWaiting(on: lane)
    }
  }

  /// Makes the calls that wait, then gives the lane back.
  private func makeWaiting(on lane: DispatchQueue) {
    while let call = next(on: lane) { call() }
  }

  private func next(on lane: DispatchQueue) -> Call? {
    state.withLock { state in
      guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
      state.idle.append(lane)
      return nil
    }
  }
}

/// The first answer is given, later ones come to nothing.
private final class Answer<Value: Sendable>: Sendable {
  typealias Continuation = CheckedContinuation<Result<Value, HypervisorError>, Never>

  private struct State {
    var continuation: Continuation?
    var isBegun = false
  }

  private let state: Mutex<State>

  init(_ continuation: Continuation) {
    state = Mutex(State(continuation: continuation))
  }

  /// Says that the call is being made; false when nobody waits for it any more.
  func begin() -> Bool {
    state.withLock { state in
      state.isBegun = state.continuation != nil
      return state.isBegun
    }
  }

  func give(_ result: Result<Value, HypervisorError>) {
    state.withLock { $0.continuation.take() }?.resume(returning: result)
  }

  /// Tells whoever still waits that the time is over.
  ///
  /// Decided in one with `begin`: what is told never to have been begun isn't.
  func giveUp(_ operation: String) {
    let (waiting, isBegun) = state.withLock { ($0.continuation.take(), $0.isBegun) }
    let error: HypervisorError =
      isBegun
      ? .timedOut(operation: operation)
      : .unavailable("earlier calls keep \(operation) from being made")
    waiting?.resume(returning: .failure(error))
  }
}

extension Duration {
  /// The same length in seconds, as Dispatch wants it.
  var timeInterval: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) + Double(attoseconds) / 1e18
  }

  /// Whole seconds, rounded up, at least one: libvirt takes 0 and less for "don't wait".
  var wholeSeconds: Int32 {
    Int32(clamping: max(1, Int(timeInterval.rounded(.up))))
  }
}
