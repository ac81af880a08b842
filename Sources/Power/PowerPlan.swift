package import Hypervisor
package import Model

/// What a power action decides from: the machine as it is now, and the job's own journal.
package struct PowerSight: Sendable, Equatable {
  /// What the machine does.
  package var state: DomainState
  /// Whether a saved memory image waits to be resumed.
  package var hasSavedState: Bool
  /// Effects whose `begun` row is in the journal.
  package var begun: Set<PowerEffect>
  /// Effects whose `done` row is in the journal.
  package var done: Set<PowerEffect>
  /// Whether the guest was asked to end and didn't in time.
  package var isOverdue: Bool

  /// Makes a sight; the defaults are those of a job that has done nothing yet.
  package init(
    state: DomainState,
    hasSavedState: Bool = false,
    begun: Set<PowerEffect> = [],
    done: Set<PowerEffect> = [],
    isOverdue: Bool = false
  ) {
    self.state = state
    self.hasSavedState = hasSavedState
    self.begun = begun
    self.done = done
    self.isOverdue = isOverdue
  }

  /// Whether no QEMU runs.
  ///
  /// A crashed machine that libvirt keeps is up until it is destroyed.
  fileprivate var isDown: Bool { state == .stopped || state == .crashed && done.contains(.destroy) }
}

/// The decision table of power actions: what is seen in, the next move out, no effect inside.
///
/// It leans on the machine's state more than on the journal, so a job whose worker died goes on from
/// wherever the machine is.
package enum PowerPlan {
  /// What to do next.
  package enum Move: Sendable, Equatable {
    /// Have this effect, then look again.
    case perform(PowerEffect)
    /// The machine is as it was asked to be.
    case complete
    /// The machine isn't in a state for it; nothing more is done.
    case refuse(NotReadyReason)
    /// The guest didn't end in time, and isn't forced to.
    case giveUp
  }

  /// The next move of a task.
  package static func move(for task: PowerTask, _ sight: PowerSight) -> Move {
    switch task.action {
    case .start: start(sight)
    case .stop: stop(sight)
    case .shutdown: shutdown(sight, isForced: false)
    case .restart: restart(sight, isForced: task.isForced)
    case .reset: reset(sight)
    }
  }

  private static func start(_ sight: PowerSight) -> Move {
    // A guest that came up and ended by itself was started.
    if sight.done.contains(.start) { return .complete }
    switch sight.state {
    case .running, .starting: return .complete
    case .stopped, .crashed: return boot(sight)
    case .stopping, .paused, .pausedOnError, .suspended, .unknown:
      return .refuse(.powerStateUnsettled)
    }
  }

  private static func stop(_ sight: PowerSight) -> Move {
    if sight.isDown { return .complete }
    return sight.done.contains(.destroy) ? .giveUp : .perform(.destroy)
  }

  private static func shutdown(_ sight: PowerSight, isForced: Bool) -> Move {
    if sight.isDown || sight.state == .crashed { return .complete }
    if sight.isOverdue {
      guard isForced else { return .giveUp }
      return sight.done.contains(.destroy) ? .giveUp : .perform(.destroy)
    }
    switch sight.state {
    // Asking twice is asking once.
    case .running, .stopping: return .perform(.shutdown)
    case .stopped, .crashed: return .complete
    case .starting, .paused, .pausedOnError, .suspended, .unknown:
      return .refuse(.powerStateUnsettled)
    }
  }

  private static func restart(_ sight: PowerSight, isForced: Bool) -> Move {
    if sight.done.contains(.start) { return .complete }
    // The boot has begun, by this job before it lost its worker.
    if sight.begun.contains(.start), sight.state == .running || sight.state == .starting {
      return .complete
    }
    let down = shutdown(sight, isForced: isForced)
    return down == .complete ? boot(sight) : down
  }

  private static func reset(_ sight: PowerSight) -> Move {
    if sight.done.contains(.reset) { return .complete }
    // One whose answer was lost is sent again: the guest is no further than its boot.
    return sight.state == .running ? .perform(.reset) : .refuse(.powerStateUnsettled)
  }

  /// A start boots, so the saved memory and what the guest hadn't written yet would be lost.
  private static func boot(_ sight: PowerSight) -> Move {
    sight.hasSavedState ? .refuse(.savedState) : .perform(.start)
  }
}
