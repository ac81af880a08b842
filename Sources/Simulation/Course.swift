import Disks
import Model
import Synchronization
import TestSupport

/// The course of a simulation: counts the effects of its workers and lets happen what is planned.
final class Course: Sendable {
  private struct State {
    var step = 0
    var plan: [Cued] = []
    /// Whose moment has come, and that wait for a call that they fit.
    var armed: [Happening] = []
    var happened: [Happening] = []
    /// The calls that are made late, whatever has happened meanwhile.
    var lateCalls: Set<String> = []
    /// The domain that libvirt hangs with, and until when.
    var stuck: (domain: String, until: Duration)?
    var awayCalls = 0
    /// A disk that somebody looks at with a tool of his own, and until when.
    var inspection: (lock: RecordLock, until: Duration)?
    var deeds: (@Sendable (Happening.Deed, Life) async -> Void)?
    /// What guests do beside everything.
    var breath: (@Sendable () -> Void)?
  }

  let clock: ManualClock
  let executor: TurnExecutor
  let unsynced: UnsyncedExecutor
  let trace: Trace
  private let folder: String
  /// Decides what is lost.
  let chance: Chance
  private let state = Mutex(State())

  init(seed: UInt64, folder: String, trace: Trace) {
    self.folder = folder
    let clock = ManualClock()
    self.clock = clock
    executor = TurnExecutor(chance: Chance(seed: seed ^ 0x7475_726E)) {
      clock.advanceToNext() != nil
    }
    unsynced = UnsyncedExecutor(trash: "\(folder)/trash")
    chance = Chance(seed: seed ^ 0x6C6F_7373)
    self.trace = trace
  }

  /// Sets who does what people do.
  func setDeeds(_ deeds: @escaping @Sendable (Happening.Deed, Life) async -> Void) {
    state.withLock { $0.deeds = deeds }
  }

  /// Sets what guests do while calls are made; nil: nothing.
  func setBreath(_ breath: (@Sendable () -> Void)?) {
    state.withLock { $0.breath = breath }
  }

  /// Begins a job, in which this is to happen.
  func begin(_ plan: [Cued]) {
    state.withLock { state in
      let (deeds, breath) = (state.deeds, state.breath)
      state = State(plan: plan, deeds: deeds, breath: breath)
    }
  }

  /// From now on nothing happens any more.
  func calm() {
    state.withLock { state in
      (state.plan, state.armed, state.awayCalls) = ([], [], 0)
    }
  }

  /// Keeps a disk locked for a while.
  func inspect(_ lock: RecordLock, for duration: Duration) {
    let until = clock.uptime + duration
    state.withLock { $0.inspection = (lock, until) }
  }

  /// Everybody is done with looking at disks.
  func endInspection() { state.withLock { $0.inspection = nil } }

  /// What has happened since the job began.
  var happened: [Happening] { state.withLock { $0.happened } }

  /// The calls that are made late, whatever others have done meanwhile: those of workers that were frozen,
  /// and those that libvirt hung in.
  var lateCalls: Set<String> { state.withLock { $0.lateCalls } }

  /// An effect of a worker is about to be; false when the worker is dead and it won't.
  func step(_ life: Life, _ what: @autoclosure () -> String) -> Bool {
    guard !life.isDead else { return false }
    let words = what().replacing(folder + "/", with: "")
    let now = clock.uptime
    let (step, end) = state.withLock { state -> (Int, Happening?) in
      state.step += 1
      if let inspection = state.inspection, inspection.until <= now { state.inspection = nil }
      while let place = state.plan.firstIndex(where: { $0.isDue(state.step, words) }) {
        state.armed.append(state.plan.remove(at: place).happening)
      }
      return (state.step, Self.take(&state) { $0 == .killed || $0 == .powerLost })
    }
    trace.add("\(life.number).\(step) \(words)")
    guard let end else { return true }
    trace.add("*** \(end)")
    life.end(end)
    return false
  }

  /// A call that may wait is about to be made; false when its worker is dead.
  func visit(_ what: @autoclosure () -> String) async -> Bool {
    guard let life = Life.current else { return true }
    await life.thaw()
    let words = what()
    guard step(life, words) else { return false }
    await letHappen(life, within: words)
    let breath = state.withLock { $0.breath }
    breath?()
    return !life.isDead
  }

  /// Takes the first happening that is due and of a kind, if there is one.
  func take(_ isWanted: (Happening) -> Bool) -> Happening? {
    let taken = state.withLock { Self.take(&$0, isWanted) }
    if let taken { trace.add("*** \(taken)") }
    return taken
  }

  /// Whether libvirt is away for this call.
  func isHypervisorAway() -> Bool {
    if case .hypervisorAway(let calls) = take({
      if case .hypervisorAway = $0 { true } else { false }
    }) {
      state.withLock { $0.awayCalls += calls }
    }
    return state.withLock { state in
      guard state.awayCalls > 0 else { return false }
      state.awayCalls -= 1
      return true
    }
  }

  /// Whether this call hangs in libvirt; what it asks for is done when libvirt goes on.
  func hangs(_ call: SimulatedHypervisor.Call) -> Bool {
    guard let domain = call.domain, call.operation.waitsForDomain,
      case .hung(let seconds) = take({ if case .hung = $0 { true } else { false } })
    else { return false }
    let until = clock.uptime + .seconds(seconds)
    state.withLock { state in
      state.stuck = (domain, until)
      state.lateCalls.insert("libvirt: \(call.operation.rawValue) \(call.detail)")
    }
    return true
  }

  /// Whether libvirt hangs with a domain in a call that was made before.
  func isStuck(_ domain: String?) -> Bool {
    let now = clock.uptime
    return state.withLock { state in
      guard let stuck = state.stuck else { return false }
      return stuck.domain == domain && now < stuck.until
    }
  }

  /// Whether what libvirt hung in is to be done now.
  func isLateDue() -> Bool {
    let now = clock.uptime
    return state.withLock { state in
      guard let stuck = state.stuck, stuck.until <= now else { return false }
      state.stuck = nil
      return true
    }
  }

  /// libvirt hangs no more.
  func endHang() { state.withLock { $0.stuck = nil } }

  private func letHappen(_ life: Life, within call: String) async {
    if case .slow(let seconds) = take({ if case .slow = $0 { true } else { false } }) {
      _ = await clock.timer.isAwake(after: .seconds(seconds))
    }
    if case .clockSet(let seconds) = take({ if case .clockSet = $0 { true } else { false } }) {
      clock.set(by: .seconds(seconds))
    }
    if take({ $0 == .frozen }) != nil {
      state.withLock { state in _ = state.lateCalls.insert(call) }
      life.freeze()
      await life.thaw()
    }
    while case .deed(let deed) = take({ if case .deed = $0 { true } else { false } }) {
      let deeds = state.withLock { $0.deeds }
      await Life.$current.withValue(nil) {
        await FileSimulation.$observer.withValue(Bystander(executor: executor)) {
          await deeds?(deed, life)
        }
      }
    }
  }

  private static func take(_ state: inout State, _ isWanted: (Happening) -> Bool) -> Happening? {
    guard let place = state.armed.firstIndex(where: isWanted) else { return nil }
    let taken = state.armed.remove(at: place)
    state.happened.append(taken)
    return taken
  }
}

/// Who isn't a worker: its calls on files are real, and on the simulation's thread.
struct Bystander: FileObserver {
  let executor: TurnExecutor

  func before(_ effect: FileEffect) throws(DiskError) {}

  func turn() async { await executor.turn() }
}
