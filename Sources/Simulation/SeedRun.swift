import Catalog
import Disks
import Foundation
import Hypervisor
import Model
import Operations
import Restore
import TestSupport

/// What came of one seed.
package struct SeedReport: Sendable, Equatable {
  /// The seed.
  package let seed: UInt64
  /// How often a worker or a host died.
  package var crashes = 0
  /// Whether a target was neither what it was nor what it should become.
  package var isMixedOrLost = false
  /// How many jobs were done, by how they ended.
  package var endings: [String: Int] = [:]
  /// What is wrong, as sentences; none: nothing.
  package var complaints: [String] = []
  /// What happened, if that was asked for.
  package var trace: [String] = []
}

/// Plays one seed: makes a world, accepts its jobs one after the other, and judges after each.
package enum SeedRun {
  /// Plays `seed` in a folder of its own, which is removed.
  ///
  /// - Parameters:
  ///   - seed: What decides everything.
  ///   - scope: What may happen.
  ///   - isRunning: Whether the target runs; nil: as the seed says.
  ///   - acts: The jobs and what happens during each; nil: as the seed says.
  ///   - isTraced: Whether to keep what happened.
  /// - Returns: What came of it.
  /// - Throws: Whatever kept the world from being made, which no seed does.
  package static func run(
    _ seed: UInt64,
    scope: Scope = .everything,
    isRunning: Bool? = nil,
    acts: [Act]? = nil,
    isTraced: Bool = false
  ) async throws -> SeedReport {
    let files = FileManager.default
    // In memory where there is such a place: nothing here must outlive the process.
    let root = files.isWritableFile(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()
    let folder = "\(root)/rehome-sim-\(UUID().uuidString.prefix(13).lowercased())"
    try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? files.removeItem(atPath: folder) }
    let trace = Trace(isWanted: isTraced, folder: folder)
    let scenario = Scenario(seed: seed, scope: scope, isRunning: isRunning, acts: acts)
    let world = try World(scenario: scenario, seed: seed, folder: folder, trace: trace)
    let executor = world.course.executor
    var report = try await withTaskExecutorPreference(executor) {
      try await FileSimulation.$observer.withValue(Bystander(executor: executor)) {
        try await Play(world: world).run(seed)
      }
    }
    // They hold the world, which holds the course.
    world.course.setDeeds { _ in }
    report.trace = trace.lines
    report.complaints = report.complaints.map(trace.settled)
    return report
  }
}

/// The acts of one world.
private struct Play {
  /// What an undo would bring back.
  struct Former {
    var job: JobID
    var contents: [[UInt8]]
    var seed: String?
  }

  let world: World

  func run(_ seed: UInt64) async throws -> SeedReport {
    var report = SeedReport(seed: seed)
    let (target, source, backup) = try await world.setUp()
    var former: Former?
    for act in world.scenario.acts {
      guard
        let (job, before) = try await begin(act, target, source, backup, former)
      else { break }
      let hasEnded = await world.live(until: job.id)
      world.course.endInspection()
      report.crashes += world.course.happened.filter { $0 == .killed || $0 == .powerLost }.count
      guard hasEnded, let ended = await world.stored(job.id) else {
        report.complaints.append("the job never ends")
        break
      }
      let ending = "\(ended.state.rawValue) \(ended.failure?.left.rawValue ?? "")"
      world.course.trace.add("=== \(ending) \(ended.failure?.detail ?? "")")
      report.endings[ending, default: 0] += 1
      let judge = Judge(world: world, job: ended, vps: target, before: before)
      report.complaints += try await judge.complaints()
      if ended.failure?.left == .needsOperator || !report.complaints.isEmpty { break }
      former = try await kept(after: ended, before, former)
    }
    report.isMixedOrLost = report.complaints.contains { $0.contains("mixed") }
    try? await world.hypervisor.destroy(target.reference, graceful: true)
    return report
  }

  /// Accepts an act's job; nil when the rules refuse it.
  private func begin(
    _ act: Act,
    _ target: VPS,
    _ source: VPS,
    _ backup: Backup,
    _ former: Former?
  ) async throws -> (Job, Standing)? {
    world.course.unsynced.settle()
    world.course.begin([])
    let seen = try await world.observer.observe(target.reference)
    let id = target.id
    try await world.catalog.write { try $0.setObservation(seen, of: id) }
    let now = world.paths.map { Guests.bytes(of: $0) }
    guard !seen.isMissing, let domain = try? await world.hypervisor.domain(target.reference)
    else { return nil }
    var before = Standing(
      isRunning: domain.state.isActive,
      hasAutostart: domain.hasAutostart,
      seed: domain.inactiveDisks.first(where: \.isReadOnly)?.sourcePath,
      isUndo: false,
      isInPlace: false,
      startsWhenOff: false
    )
    let change: Change<Job>
    var contents = Guests.Contents(old: now, new: now)
    if act.work == .undo, let former {
      before.isUndo = true
      before.formerSeed = former.seed
      contents.new = former.contents
      change = try world.operations.undoRestore(World.caller, former.job.text)
    } else {
      var strategy = RestoreStrategy.staged
      if case .restore(let wanted, let starts) = act.work {
        strategy = wanted
        before.startsWhenOff = starts
      }
      before.isInPlace = strategy == .inPlace
      contents.new = zip(world.scenario.disks, now).map { disk, old in
        disk.backup + [UInt8](repeating: 0, count: old.count - disk.backup.count)
      }
      change = try world.operations.restoreFromVPS(
        World.caller,
        RestoreRequest(
          target: target.id.text,
          source: source.id.text,
          backup: backup.id.text,
          strategy: strategy,
          startsWhenOff: before.startsWhenOff
        )
      )
    }
    world.guests.begin(contents)
    do throws(Refusal) {
      let job = try await world.operations.perform(change)
      if before.isUndo { before.isInPlace = try await isInPlace(target) }
      world.course.trace.add("=== \(act.work) \(act.plan.map { "\($0.cue): \($0.happening)" })")
      world.course.begin(act.plan)
      return (job, before)
    } catch {
      world.course.trace.add("=== refused: \(error.code)")
      return nil
    }
  }

  private func isInPlace(_ target: VPS) async throws(Refusal) -> Bool {
    let id = target.id
    let record = try await world.operations.read { try $0.undo(of: id) }
    return record?.detail.contains("\"isInPlace\":true") ?? false
  }

  /// What an undo would bring back after a job.
  private func kept(
    after job: Job,
    _ before: Standing,
    _ former: Former?
  ) async throws -> Former? {
    let id = job.vpsID
    guard let record = try await world.catalog.read({ try $0.undo(of: id) }) else { return nil }
    if record.restoreJobID == job.id {
      return Former(
        job: job.id,
        contents: world.guests.contents.old,
        seed: before.seed
      )
    }
    return record.restoreJobID == former?.job ? former : nil
  }
}
