import Catalog
import Foundation
import Hypervisor
import Model
import Operations
import TestSupport

/// The acts of one world.
struct Play {
  /// What an undo would bring back.
  struct Former {
    var job: JobID
    var contents: [[UInt8]]
    var seed: String?
    /// Which of the acts has kept it.
    var act: Int
  }

  /// What an act has set going.
  struct Scene {
    /// The restore or undo, and how things stood before.
    var main: (job: Job, before: Standing)?
    /// The backups with the VPSs that they are made of.
    var backups: [(side: Work.Side, job: Job)] = []

    var jobs: [JobID] { (main.map { [$0.job.id] } ?? []) + backups.map(\.job.id) }
  }

  let world: World
  let target: VPS
  let source: VPS

  static func run(_ seed: UInt64, in world: World) async throws -> SeedReport {
    let (target, source) = try await world.setUp()
    return try await Play(world: world, target: target, source: source).run(seed)
  }

  private func run(_ seed: UInt64) async throws -> SeedReport {
    var report = SeedReport(seed: seed)
    var former: Former?
    for act in world.scenario.acts {
      guard let scene = try await begin(act, former) else { break }
      let haveEnded = await world.live(until: scene.jobs, rests: act.restsInPlace)
      world.course.endInspection()
      world.course.endHang()
      await world.hypervisor.finishLate()
      report.crashes += world.course.happened.filter { $0 == .killed || $0 == .powerLost }.count
      report.happenings += world.course.happened.count
      guard haveEnded else {
        report.complaints.append("the job never ends")
        break
      }
      if act.makesBackup, !act.restsInPlace { await world.settle() }
      let isSettled = try await judge(
        scene,
        isPowerLost: act.isPowerLostAfter,
        &report,
        &former
      )
      if !isSettled || !report.complaints.isEmpty { break }
    }
    report.isMixedOrLost = report.complaints.contains { $0.contains("mixed") }
    for vps in [target, source] {
      try? await world.hypervisor.destroy(vps.reference, graceful: true)
    }
    return report
  }

  /// Judges an act; false when nothing more can be done after it.
  private func judge(
    _ scene: Scene,
    isPowerLost: Bool,
    _ report: inout SeedReport,
    _ former: inout Former?
  ) async throws -> Bool {
    var isSettled = true
    if let (job, before) = scene.main {
      guard let ended = await world.stored(job.id) else {
        report.complaints.append("the job is gone")
        return false
      }
      report.note(ended, as: "", world.course.trace)
      report.complaints += try await Judge(world: world, job: ended, vps: target, before: before)
        .complaints()
      isSettled = ended.failure?.left != .needsOperator
      if isSettled { former = try await kept(after: ended, before, former) }
    }
    guard !scene.backups.isEmpty else { return isSettled }
    for (side, job) in scene.backups {
      guard let ended = await world.stored(job.id) else { continue }
      report.note(ended, as: "backup of \(side.rawValue) ", world.course.trace)
    }
    let judge = BackupJudge(world: world, scene: scene, [target, source])
    report.complaints += try await judge.complaints()
    // What is complete stays so, whatever the file system hadn't written by itself yet.
    if isPowerLost { await world.losePower() }
    report.complaints += try await judge.contents()
    return isSettled
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
        contents: world.guest.contents.old,
        seed: before.seed,
        act: world.guest.act
      )
    }
    return record.restoreJobID == former?.job ? former : nil
  }
}

extension SeedReport {
  fileprivate mutating func note(_ job: Job, as words: String, _ trace: Trace) {
    let ending = "\(words)\(job.state.rawValue) \(job.failure?.left.rawValue ?? "")"
    trace.add("=== \(ending) \(job.failure?.detail ?? "")")
    endings[ending, default: 0] += 1
  }
}
