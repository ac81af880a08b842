import Model
import Synchronization

/// Looks at machines, at each with one look for all who ask meanwhile, and for a while not at all
/// after it didn't answer.
///
/// A look at a machine that hangs keeps one of few threads for longer than anybody waits: those who
/// ask for it, however many, must not take the threads of those who ask for others.
final class LiveLooks: Sendable {
  /// What came of a look.
  enum Outcome: Sendable, Equatable {
    case seen(LiveStatus)
    /// It can't be seen from here, which was known at once.
    case unseen
    /// There was no answer in time.
    case silent
  }

  private typealias Asker = CheckedContinuation<Outcome?, Never>

  private enum State {
    /// Somebody looks, and these wait for what he sees.
    case looking(askers: [Asker])
    case silent(until: Timestamp)
  }

  private let clock: any WallClock
  private let states = Mutex<[VPSID: State]>([:])

  init(clock: any WallClock) {
    self.clock = clock
  }

  /// What a look at `id` shows, this one or one that is on its way.
  func outcome(of id: VPSID, _ look: () async -> Outcome) async -> Outcome {
    let told = await withCheckedContinuation { begin(id, $0) }
    if let told { return told }
    let outcome = await look()
    end(id, with: outcome)
    return outcome
  }

  /// How many wait for somebody else's look.
  func waiting(for id: VPSID) -> Int {
    states.withLock { states in
      if case .looking(let askers)? = states[id] { askers.count } else { 0 }
    }
  }

  /// Tells the asker what there is to tell, now or when the look that is on its way has ended; nil: he
  /// is to look himself.
  private func begin(_ id: VPSID, _ asker: Asker) {
    let now = clock.now()
    let answer: Outcome?? = states.withLock { states in
      switch states[id] {
      case .looking(let askers):
        states[id] = .looking(askers: askers + [asker])
        return .none
      case .silent(let until) where now < until:
        return .some(.silent)
      case .silent, nil:
        states[id] = .looking(askers: [])
        return .some(nil)
      }
    }
    if let answer { asker.resume(returning: answer) }
  }

  private func end(_ id: VPSID, with outcome: Outcome) {
    let now = clock.now()
    let askers = states.withLock { states -> [Asker] in
      guard case .looking(let askers)? = states[id] else { return [] }
      let rest = State.silent(until: now.advanced(by: Limits.liveStatusRest))
      states[id] = outcome == .silent ? rest : nil
      // So that what was silent once and is never asked for again isn't remembered for ever.
      states = states.filter { entry in
        if case .silent(let until) = entry.value { now < until } else { true }
      }
      return askers
    }
    for asker in askers { asker.resume(returning: outcome) }
  }
}
