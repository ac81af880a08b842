import Dispatch
import Synchronization

/// Runs all tasks of a simulation on one thread, in an order that a seed decides.
///
/// Only the catalog works on threads of its own. While one of its calls is under way nothing else
/// runs, so that it doesn't matter how long it takes. When nobody can go on, time is moved.
///
/// A call to the catalog may itself need a turn before it leaves for its thread. Nobody can tell that
/// turn from others', so after a long pause turns are given until the call is through: a rare seed
/// that takes longer and may differ from its replay is better than one that never ends.
final class TurnExecutor: TaskExecutor {
  private enum Turn: Sendable {
    case job(UnownedJob)
    case parked(CheckedContinuation<Void, Never>)
  }

  private struct State {
    var ready: [Turn] = []
    /// What other threads have handed in: the beginning, and answers of the catalog.
    var arrived: [Turn] = []
    var callsOutside = 0
    var isRunning = false
    /// How often there was nothing to do but wait for a call outside.
    var pauseCount = 0
  }

  /// Far longer than a call of the catalog takes.
  private static let longestPause = DispatchTimeInterval.seconds(5)
  private static let key = DispatchSpecificKey<Bool>()

  private let state = Mutex(State())
  private let queue = DispatchQueue(label: "rehome.simulation")
  private let chance: Chance
  /// Moves the time; false when nobody waits for it.
  private let moveTime: @Sendable () -> Bool

  init(chance: Chance, moveTime: @escaping @Sendable () -> Bool) {
    self.chance = chance
    self.moveTime = moveTime
    queue.setSpecific(key: Self.key, value: true)
  }

  func enqueue(_ job: consuming ExecutorJob) {
    add(.job(UnownedJob(job)))
  }

  /// Lets others have their turn.
  func turn() async {
    await withCheckedContinuation { add(.parked($0)) }
  }

  /// Says that a call that works on other threads begins.
  func beginOutside() { state.withLock { $0.callsOutside += 1 } }

  /// Says that it has answered.
  func endOutside() { state.withLock { $0.callsOutside -= 1 } }

  private func add(_ turn: Turn) {
    let isOwn = DispatchQueue.getSpecific(key: Self.key) == true
    let isStarted = state.withLock { state in
      if isOwn { state.ready.append(turn) } else { state.arrived.append(turn) }
      defer { state.isRunning = true }
      return !state.isRunning
    }
    if isStarted { queue.async { self.run() } }
  }

  private enum Next {
    case turn(Turn)
    case idle
    /// Which pause it is, where somebody else could have a turn.
    case pause(Int?)
  }

  private func run() {
    while true {
      switch next() {
      case .turn(let turn): take(turn)
      case .idle:
        if moveTime() { continue }
        let isOver = state.withLock { state in
          guard state.ready.isEmpty, state.arrived.isEmpty else { return false }
          state.isRunning = false
          return true
        }
        if isOver { return }
      case .pause(let number):
        guard let number else { return }
        queue.asyncAfter(deadline: .now() + Self.longestPause) { self.goOn(after: number) }
        return
      }
    }
  }

  private func take(_ turn: Turn) {
    switch turn {
    case .job(let job): unsafe job.runSynchronously(on: asUnownedTaskExecutor())
    case .parked(let continuation): continuation.resume()
    }
  }

  /// Gives a turn to somebody if this pause hasn't ended yet.
  private func goOn(after number: Int) {
    let turn = state.withLock { state -> Turn? in
      guard !state.isRunning, state.pauseCount == number, !state.ready.isEmpty else { return nil }
      state.isRunning = true
      return state.ready.removeFirst()
    }
    guard let turn else { return }
    take(turn)
    run()
  }

  private func next() -> Next {
    state.withLock { state in
      if !state.arrived.isEmpty { return .turn(state.arrived.removeFirst()) }
      guard state.callsOutside == 0 else {
        state.isRunning = false
        state.pauseCount += 1
        return .pause(state.ready.isEmpty ? nil : state.pauseCount)
      }
      guard !state.ready.isEmpty else { return .idle }
      // Mostly in order; now and then somebody is overtaken.
      let isInOrder = state.ready.count == 1 || !chance.isOne(in: 4)
      let place = isInOrder ? 0 : chance.number(in: 0...state.ready.count - 1)
      return .turn(state.ready.remove(at: place))
    }
  }
}
