/// What a seed lets happen, each at one moment of a job.
package enum Happening: Sendable, Equatable {
  /// The worker's process is killed: what it wrote stays, also what isn't durable.
  case killed
  /// The host loses its power: guests end, and what isn't durable is lost, or half of it.
  case powerLost
  /// The next call on a file fails.
  case diskFailed
  /// The next call that needs room finds none.
  case diskFull
  /// libvirt is away for so many calls.
  case hypervisorAway(calls: Int)
  /// The next call is obeyed, but its answer is lost.
  case answerLost
  /// The next start of a guest fails.
  case startRefused
  /// The next write finds the catalog busy.
  case catalogBusy
  /// The next call takes so many seconds.
  case slow(seconds: Int)
  /// libvirt hangs in the next call, whose answer never comes, and does it after so many seconds.
  case hung(seconds: Int)
  /// Somebody sets the clock by so many seconds, forward or back.
  case clockSet(seconds: Int)
  /// The process is stopped for longer than its lease, and another one begins to work.
  case frozen
  /// The guest writes more while it is backed up than there is room for, and stops.
  case guestStopped
  /// Somebody does something to the target.
  case deed(Deed)

  /// What people do to a target meanwhile.
  package enum Deed: String, Sendable, CaseIterable {
    case start, destroy, shutDown, cancel, deleteBackup, save, undefine, terminate, inspect
    /// The chunks that nobody needs are collected.
    case collect
  }
}

extension Happening {
  /// Whether somebody does something that the job can't know of.
  var isOfOthers: Bool {
    switch self {
    case .deed(let deed): deed != .collect
    case .frozen: true
    default: false
    }
  }
}

extension Happening: CustomStringConvertible {
  package var description: String {
    switch self {
    case .killed: "the worker is killed"
    case .powerLost: "the host loses its power"
    case .diskFailed: "a disk fails"
    case .diskFull: "a disk is full"
    case .hypervisorAway(let calls): "libvirt is away for \(calls) calls"
    case .answerLost: "an answer is lost"
    case .startRefused: "a start is refused"
    case .catalogBusy: "the catalog is busy"
    case .slow(let seconds): "a call takes \(seconds) s"
    case .hung(let seconds): "libvirt hangs for \(seconds) s"
    case .clockSet(let seconds): "the clock is set by \(seconds) s"
    case .frozen: "the worker is frozen, another begins"
    case .guestStopped: "the guest stops for want of room"
    case .deed(let deed): "somebody: \(deed.rawValue)"
    }
  }
}

/// When something happens.
package enum Cue: Sendable, Equatable {
  /// At so many effects of the job's workers.
  case step(Int)
  /// At the first effect whose words hold this text.
  case effect(String)
}

/// Something that happens, and when.
package struct Cued: Sendable, Equatable {
  /// When.
  package var cue: Cue
  /// What.
  package var happening: Happening

  /// Makes something happen at a moment.
  package init(_ cue: Cue, _ happening: Happening) {
    self.cue = cue
    self.happening = happening
  }

  func isDue(_ step: Int, _ words: String) -> Bool {
    switch cue {
    case .step(let wanted): wanted <= step
    case .effect(let text): words.contains(text)
    }
  }
}
