import Catalog
import Disks
import Foundation
import Hypervisor
import Model
import Operations
import Restore
import TestSupport

/// How things stood when a job was accepted.
struct Standing: Sendable {
  var isRunning: Bool
  var hasAutostart: Bool
  /// The file that the target's seed device reads; nil: it has none.
  var seed: String?
  /// The seed that belongs to what the job puts there; nil: the job makes one.
  var formerSeed: String?
  /// The job that an undo takes back.
  var formerAct: Int?
  var isUndo: Bool
  var isInPlace: Bool
  var startsWhenOff: Bool
}

/// Says what is wrong after a job has ended and its worker is gone.
struct Judge: Sendable {
  let world: World
  let job: Job
  let vps: VPS
  let before: Standing

  var left: LeftState? { job.failure?.left }
  private var happened: [Happening] { world.course.happened }
  private var hasDeeds: Bool {
    happened.contains(where: \.isOfOthers)
  }

  /// Everything that is wrong, as sentences.
  func complaints() async throws -> [String] {
    var found = world.guest.complaints
    found += contents()
    let domain: DomainDescription
    do throws(HypervisorError) {
      domain = try await world.hypervisor.domain(vps.reference)
    } catch {
      return found + locks(isRunning: false)
    }
    found += locks(isRunning: domain.state.isActive)
    found += try await power(domain)
    found += await filters(domain)
    found += links(domain)
    found += try await files(domain)
    return found
  }

  /// Whether the disks are wholly what they were, or are to become.
  private func holds(_ side: Guest.Side) -> Bool {
    let contents = world.guest.contents
    let wanted = side == .new ? contents.new : contents.old
    return world.paths.map { Guest.bytes(of: $0) } == wanted
  }

  private func contents() -> [String] {
    if left == .needsOperator {
      // Disks that were written over may be half themselves, with the rest in their logs.
      let isWhole = holds(.old) || holds(.new) || before.isInPlace
      return (isWhole ? [] : ["the disks are mixed"])
        + (isOperatorNeeded ? [] : ["an operator is called without need"])
    }
    guard holds(.old) || holds(.new) else { return ["the disks are mixed"] }
    switch job.state {
    case .completed: return holds(.new) ? [] : ["the job succeeded, but the former disks are there"]
    case .failed, .cancelled:
      switch left {
      case .newDiskRunning, .newDiskNotRunning:
        return holds(.new) ? [] : ["the job says that the new disks are there; they aren't"]
      default:
        return holds(.old) ? [] : ["the job says that the former disks are there; they aren't"]
      }
    default: return ["the job has not ended"]
    }
  }

  /// Whether what has happened is more than can be put right without people.
  private var isOperatorNeeded: Bool {
    hasDeeds
      || happened.contains {
        switch $0 {
        case .hypervisorAway(let calls): calls > 10
        case .diskFailed: true
        // Its attempts are over before libvirt goes on; or it has no way back, and is asked for again.
        case .hung: hungSeconds > 100 || before.isInPlace && before.isUndo
        case .answerLost: before.isInPlace && before.isUndo && job.attempts >= 3
        // The last of its attempts: whoever has the room free asks for the undo again.
        case .diskFull: job.attempts >= 3
        default: false
        }
      }
  }

  /// For how long libvirt has hung, all in all.
  private var hungSeconds: Int {
    happened.reduce(0) { sum, happening in
      if case .hung(let seconds) = happening { sum + seconds } else { sum }
    }
  }

  private func locks(isRunning: Bool) -> [String] {
    let folder = "\(world.folder)/locks"
    var found: [String] = []
    for name in ["\(vps.id).lock", "\(vps.id).power.lock", "node.lock"]
    where FileManager.default.fileExists(atPath: "\(folder)/\(name)") {
      if !Self.isFree("\(folder)/\(name)") { found.append("the lock \(name) is held for ever") }
    }
    for path in world.paths where Self.isFree(path) == isRunning {
      found.append(isRunning ? "a guest runs without its locks" : "a disk is locked by nobody")
    }
    return found
  }

  static func isFree(_ path: String) -> Bool {
    do throws(RecordLock.Failure) {
      _ = try RecordLock(path: path, mode: .exclusive)
      return true
    } catch {
      return false
    }
  }

  private func power(_ domain: DomainDescription) async throws -> [String] {
    let (state, hasAutostart) = (domain.state, domain.hasAutostart)
    let isRunning = state.isActive
    guard left != .needsOperator else { return [] }
    var found: [String] = []
    if state == .paused, !hasDeeds { found.append("the target is left paused") }
    // Who was frozen within this very call, or libvirt that hung in it, makes it when the next worker
    // has long set it back: only libvirt could tell the two apart.
    let isLate = world.course.lateCalls.contains("libvirt: setAutostart false") && !hasAutostart
    if hasAutostart != before.hasAutostart, !isLate { found.append("autostart isn't as it was") }
    if left == .rolledBackNotRunning || left == .notRunning || left == .newDiskNotRunning {
      let isLate = world.course.lateCalls.contains { $0.hasPrefix("libvirt: start") }
      if isRunning, !isLate {
        found.append("the job says that the target doesn't run, but it does")
      }
      return found
    }
    // What ends guests otherwise isn't the job's business once it has let go of them.
    guard !hasDeeds, !happened.contains(.powerLost) else { return found }
    let rows = try await world.catalog.read { try $0.steps(of: job.id, named: ["stop"]) }
    let stop = rows.last { $0.phase == .begun }.map(\.detail).flatMap(Self.stopRecord)
    var isWanted = stop?.wasRunning ?? before.isRunning
    if job.state == .completed, before.startsWhenOff { isWanted = true }
    if isRunning != isWanted {
      found.append("the target \(isRunning ? "runs" : "is off"), which isn't what was promised")
    }
    return found
  }

  private static func stopRecord(_ text: String) -> StopRecord? {
    try? JSONDecoder().decode(StopRecord.self, from: Data(text.utf8))
  }

  private func files(_ domain: DomainDescription) async throws -> [String] {
    let (id, task) = (vps.id, job.task)
    let kept = try await world.catalog.read { try $0.undo(of: id) }
    let detail = kept.flatMap { record in
      try? JSONDecoder().decode(UndoDetail.self, from: Data(record.detail.utf8))
    }
    var found = identity(domain, detail) + firmware()
    guard left != .needsOperator else { return found }
    let copies = [detail?.nvram?.copy].compactMap(\.self)
    let names = Set((detail?.disks ?? []).map(\.stagedPath) + copies)
    found += orphans(in: "\(world.folder)/target", known: names.union(world.paths))
    found += orphans(in: "\(world.folder)/undo", known: names)
    let isPromised = kept.map { $0.until > world.course.clock.now() } ?? false
    for name in names where isPromised && !FileManager.default.fileExists(atPath: name) {
      found.append("a former disk that is promised isn't there")
    }
    if job.state == .completed, !before.isUndo, detail?.isInPlace != true {
      let former = (detail?.disks ?? []).map { Guest.bytes(of: $0.stagedPath) }
      if former != world.guest.contents.old { found.append("the former disks aren't kept whole") }
    }
    if case .restore(let restore) = task {
      let holders = try await world.catalog.read { try $0.holders(of: restore.backupID) }
      let isKept = detail?.isInPlace == true && holders == [kept?.restoreJobID].compactMap(\.self)
      if !holders.isEmpty, !isKept { found.append("the backup is held for ever") }
    }
    return found
  }

  /// What the firmware has stored and the disks belong together.
  private func firmware() -> [String] {
    guard left != .needsOperator, let text = world.guest.nvramText, holds(.old) != holds(.new)
    else {
      return []
    }
    let act = world.guest.act
    var foreign = [Guest.nvramText(act, holds(.old) ? .new : .old)]
    if before.isUndo, holds(.new), let former = before.formerAct {
      foreign.append(Guest.nvramText(former, .new))
    }
    // A new disk begins with what is there.
    if holds(.new), !before.isUndo { foreign = [] }
    return foreign.contains(text) ? ["the firmware has stored what belongs to other disks"] : []
  }

  /// Seed and disks belong together.
  private func identity(_ domain: DomainDescription, _ undo: UndoDetail?) -> [String] {
    guard left != .needsOperator else { return [] }
    let seed = domain.inactiveDisks.first(where: \.isReadOnly)?.sourcePath
    let own = "\(world.folder)/seeds/\(vps.id)/\(job.id).iso"
    let wanted: String?
    switch (job.state == .completed || holds(.new) && !holds(.old), before.isUndo) {
    case (true, false): wanted = own
    case (true, true): wanted = before.formerSeed
    case (false, _): wanted = before.seed
    }
    var found = seed == wanted ? [] : ["the seed isn't the one that belongs to the disks"]
    if let seed, !FileManager.default.fileExists(atPath: seed) { found.append("the seed is gone") }
    let former = undo?.seed.before.flatMap { xml in
      try? DomainDisk(xml: xml).sourcePath
    }
    found += orphans(
      in: "\(world.folder)/seeds/\(vps.id)",
      known: Set([seed, former].compactMap(\.self))
    )
    return found
  }

  private func orphans(in folder: String, known: Set<String>) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    // The empty files of a probe that was cut short hold nothing and are nobody's.
    return names.sorted()
      .filter { !known.contains("\(folder)/\($0)") && !$0.hasPrefix(".rehome-probe-") }
      .map { "\($0) is left behind" }
  }
}
