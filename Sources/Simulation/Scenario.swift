import Datastore
package import Model

/// What a seed makes of a simulation: the disks, the target, the jobs and what happens during each.
struct Scenario: Sendable {
  static let chunkSize = 1 << 16
  /// More effects than a job has; what comes later doesn't happen.
  private static let latestStep = 260

  /// The target's disks, and the backup of each.
  var disks: [(old: [UInt8], backup: [UInt8])]
  var isRunning: Bool
  var hasAutostart: Bool
  var hasAgent: Bool
  var ignoresACPI: Bool
  /// Whether the source runs while the target does, and its images record changes.
  var source: (isRunning: Bool, recordsChanges: Bool)
  /// How what is stored is made durable.
  var sync: SyncLevel
  /// Whether targets first boot behind a network filter: for some seeds, without a draw of its own, so
  /// that those before it meant the same when it came.
  var filtersFirstBoots: Bool
  /// Whether files are recovered after a loss of power before libvirt begins; without a draw, too.
  var recoversFiles: Bool
  /// Whether the target's firmware stores something outside its disks; without a draw.
  var hasNVRAM: Bool
  /// Whether the source's disks insist on its address, wherever they are; without a draw.
  var insists: Bool
  var acts: [Act]

  /// Draws a scenario, all of it but what is given.
  init(seed: UInt64, scope: Scope, isRunning: Bool?, acts given: [Act]?) {
    let chance = Chance(seed: seed)
    filtersFirstBoots = seed % 5 == 3
    recoversFiles = seed % 2 == 0
    hasNVRAM = seed % 3 == 2
    insists = seed % 7 == 6
    disks = (0..<(chance.isOne(in: 3) ? 2 : 1)).map { _ in Self.disk(chance) }
    let runs = scope.runsTargets && !chance.isOne(in: 3)
    self.isRunning = isRunning ?? runs
    hasAutostart = chance.isOne(in: 2)
    hasAgent = !chance.isOne(in: 3)
    ignoresACPI = chance.isOne(in: 4)
    acts = []
    for number in 0..<chance.number(in: 1...(scope.repeats ? 3 : 1)) {
      acts.append(Self.act(number, chance, scope))
    }
    source = (scope.makesBackups && chance.isOne(in: 2), chance.isOne(in: 2))
    sync = chance.pick([.filesystem, .file])
    if scope.makesBackups {
      for number in acts.indices { Self.addBackups(to: &acts[number], chance) }
      for number in acts.indices { Self.addOddities(to: &acts[number], seed) }
    }
    if let given {
      acts = given
      source = (self.isRunning, true)
    }
  }

  /// Makes some acts backups, or restores beside which one is made.
  private static func addBackups(to act: inout Act, _ chance: Chance) {
    act.pick = chance.number(in: 0...5)
    if chance.isOne(in: 3) { act.pause = .seconds(2 * 86_400) }
    if chance.isOne(in: 3) {
      act.work = .backup(chance.pick([.target, .source, .source]))
    }
    act.isBesideBackup = act.work != .backup(.source) && chance.isOne(in: 6)
    guard act.makesBackup else { return }
    act.isPruned = chance.isOne(in: 3)
    act.restsInPlace = chance.isOne(in: 2)
    act.isPowerLostAfter = chance.isOne(in: 4)
    // Some of what happens is of the kind that only backups meet.
    for place in act.plan.indices where chance.isOne(in: 5) {
      act.plan[place].happening = chance.pick([
        .guestStopped, .deed(.collect), .hypervisorAway(calls: chance.number(in: 3...9)),
      ])
    }
  }

  /// For some seeds makes some of what happens a libvirt that hangs, or a clock that is set: without a
  /// draw, as others mean what they meant before there was that.
  private static func addOddities(to act: inout Act, _ seed: UInt64) {
    for place in act.plan.indices {
      let number = Int(seed / 7 % 3) + place
      switch (seed % 7, act.plan[place].happening) {
      case (4, .slow), (4, .answerLost), (4, .startRefused):
        act.plan[place].happening = .hung(seconds: [40, 100, 300][number % 3])
      case (5, .slow), (5, .catalogBusy), (5, .diskFull):
        act.plan[place].happening = .clockSet(seconds: [3600, -600, 2 * 86_400][number % 3])
      default: continue
      }
    }
  }

  private static func act(_ number: Int, _ chance: Chance, _ scope: Scope) -> Act {
    var work = Work.restore(
      scope.writesInPlace && chance.isOne(in: 4) ? .inPlace : .staged,
      startsWhenOff: chance.isOne(in: 4)
    )
    if number > 0, chance.isOne(in: 2) { work = .undo }
    var plan: [Cued] = []
    for _ in 0..<chance.pick([0, 1, 1, 1, 2, 2, 3, 5]) {
      // Most of a job's effects are early ones, and the late ones matter most.
      let step = chance.number(in: 1...chance.pick([60, 120, latestStep]))
      plan.append(Cued(.step(step), happening(chance, scope)))
    }
    return Act(work, plan)
  }

  private static func happening(_ chance: Chance, _ scope: Scope) -> Happening {
    if chance.isOne(in: 2) || scope == .crashes { return chance.pick([.killed, .powerLost]) }
    let kinds = scope == .faults ? 7 : 9
    switch chance.number(in: 1...kinds) {
    case 1: return .diskFailed
    case 2: return .diskFull
    case 3: return .hypervisorAway(calls: chance.pick([1, 2, 10, 100]))
    case 4: return .answerLost
    case 5: return .startRefused
    case 6: return .catalogBusy
    case 7: return .slow(seconds: chance.pick([1, 10, 40]))
    case 8: return .frozen
    default: return .deed(chance.pick(Happening.Deed.allCases))
    }
  }

  private static func disk(_ chance: Chance) -> (old: [UInt8], backup: [UInt8]) {
    let tail = chance.pick([0, 512, 4096, 20_480])
    let count = chance.number(in: 2...5)
    let backup = bytes(count * chunkSize + tail, chance)
    let extra = chance.pick([0, 0, 4096, chunkSize])
    var old = bytes(backup.count + extra, chance)
    // Some of it is what the backup holds, too.
    for chunk in 0..<count where chance.isOne(in: 3) {
      let range = chunk * chunkSize..<(chunk + 1) * chunkSize
      old.replaceSubrange(range, with: backup[range])
    }
    return (old, backup)
  }

  private static func bytes(_ count: Int, _ chance: Chance) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    while bytes.count < count {
      let byte = chance.isOne(in: 3) ? 0 : UInt8(chance.number(in: 1...255))
      bytes += [UInt8](repeating: byte, count: min(chunkSize / 2, count - bytes.count))
    }
    return bytes
  }
}

/// What a job is to do.
package enum Work: Sendable, Equatable {
  /// Put the backup onto the target.
  case restore(RestoreStrategy, startsWhenOff: Bool)
  /// Take the restore before back; where there is none it is a restore.
  case undo
  /// Make a backup.
  case backup(Side)

  /// One of the two VPSs.
  package enum Side: String, Sendable {
    case target, source
  }
}

/// One job and what is to happen during it.
package struct Act: Sendable, Equatable {
  /// What it does.
  package var work: Work
  /// What happens.
  package var plan: [Cued]
  /// Which of the backups there are a restore takes: this one, counted round.
  package var pick = 0
  /// Whether a backup of the source is made at the same time.
  package var isBesideBackup = false
  /// How long nothing is done before.
  package var pause = Duration.zero
  /// Whether the oldest backup is deleted before, if it isn't the only one.
  package var isPruned = false
  /// Whether the worker that has ended a backup does what is left to do, too, and not the next one.
  package var restsInPlace = false
  /// Whether the host loses its power after everything is done.
  package var isPowerLostAfter = false

  /// Makes an act.
  package init(_ work: Work, _ plan: [Cued] = []) {
    self.work = work
    self.plan = plan
  }

  /// The VPSs that backups are made of.
  var backups: [Work.Side] {
    var sides: [Work.Side] = []
    if case .backup(let side) = work { sides.append(side) }
    if isBesideBackup { sides.append(.source) }
    return sides
  }

  var makesBackup: Bool { !backups.isEmpty }
}

/// How much a simulation lets happen; each holds what the ones before it hold.
package enum Scope: Int, Sendable, Comparable, CaseIterable {
  /// Restores of stopped targets whose workers die.
  case crashes
  /// Running targets, undos, several jobs, and everything that fails.
  case faults
  /// People and second workers, disks that are written over in place, and backups.
  case everything

  package static func < (left: Scope, right: Scope) -> Bool { left.rawValue < right.rawValue }

  var runsTargets: Bool { self >= .faults }
  var repeats: Bool { self >= .faults }
  var writesInPlace: Bool { self >= .everything }
  var makesBackups: Bool { self >= .everything }
}
