package import Catalog
import Model

/// The stored names of jobs' journals that rules outside the engines look at.
///
/// Append only.
package enum JournalStep {
  /// The target is being stopped: power belongs to the job from here.
  package static let stop = "stop"
  /// Disks and seed are being exchanged: no cancel from here.
  package static let swap = "swap"
  /// The target is being started.
  package static let start = "start"
  /// The target is being put back as it was.
  package static let discard = "discard"
  /// Of a power job: its guest is asked to shut down and waited for.
  package static let shutdown = "shutdown"

  /// Those that tell whether power belongs to the job.
  static let power: Set<String> = [stop, start, discard]
}

extension Operations {
  /// The VPS that a caller names; malformed, missing and foreign ones are all not found.
  func find(
    _ text: String,
    for caller: Caller,
    _ transaction: any CatalogTransaction
  ) throws -> VPS {
    if let id = VPSID(text) {
      guard let vps = try transaction.vps(id) else { throw Refusal.notFound }
      try caller.requireOwnership(of: vps.clientID)
      return vps
    }
    // Names are for operators: over HTTP they would tell apart what must look alike.
    guard caller.clientID == nil else { throw Refusal.notFound }
    let named = try transaction.listVPS(VPSFilter(name: text, limit: 2))
    guard let vps = named.first, named.count == 1 else { throw Refusal.notFound }
    return vps
  }

  /// The job that a caller names; malformed, missing and foreign ones are all not found.
  func findJob(
    _ text: String,
    for caller: Caller,
    _ transaction: any CatalogTransaction
  ) throws -> Job {
    guard let id = JobID(text), let job = try transaction.job(id) else { throw Refusal.notFound }
    try caller.requireOwnership(of: job.clientID)
    return job
  }

  /// Everything that gates decide from.
  func facts(
    of vps: VPS,
    for caller: Caller?,
    _ transaction: any CatalogTransaction
  ) throws -> GateFacts {
    let standing = try transaction.standing(of: vps.id)
    var (holdsPower, yieldsToStop) = (false, false)
    if let job = standing.dataJobID {
      holdsPower = try Self.holdsPower(transaction.steps(of: job, named: JournalStep.power))
    }
    if let id = standing.powerJobID, let job = try transaction.job(id) {
      yieldsToStop = Self.yieldsToStop(job, try transaction.steps(of: id))
    }
    return GateFacts(
      serviceStatus: vps.serviceStatus,
      observation: vps.observation,
      dataJobID: standing.dataJobID,
      powerJobID: standing.powerJobID,
      unsettledJobID: standing.unsettledJobID,
      dataJobHoldsPower: holdsPower,
      powerJobYieldsToStop: yieldsToStop,
      backupsUsed: standing.backupsUsed,
      backupLimit: vps.backupLimit,
      scopes: caller?.scopes,
      strategy: policy.defaultStrategy
    )
  }

  func view(
    of vps: VPS,
    for caller: Caller,
    _ transaction: any CatalogTransaction
  ) throws -> VPSView {
    let facts = try facts(of: vps, for: caller, transaction)
    return VPSView(
      vps: vps,
      gates: Gates(facts),
      backupsUsed: facts.backupsUsed,
      unsettledJobID: facts.unsettledJobID
    )
  }

  /// Whether a data job is between its stop and its start, or the start of the former disk.
  package static func holdsPower(_ steps: [JobStep]) -> Bool {
    let stopped = steps.contains { $0.name == JournalStep.stop && $0.phase == .begun }
    let started = steps.contains {
      ($0.name == JournalStep.start || $0.name == JournalStep.discard) && $0.phase == .done
    }
    return stopped && !started
  }

  /// Whether a power job has done nothing yet but ask its guest to shut down, so that a stop may
  /// take its place.
  static func yieldsToStop(_ job: Job, _ steps: [JobStep]) -> Bool {
    guard case .power(let task) = job.task, task.action == .shutdown || task.action == .restart
    else { return false }
    return steps.allSatisfy { $0.name == JournalStep.shutdown }
  }

  /// Whether a job has gone too far to be cancelled.
  ///
  /// A power action has from its first effect on: a guest can't be asked to forget that.
  static func isPastCancelling(_ job: Job, _ steps: [JobStep]) -> Bool {
    switch job.task.jobClass {
    case .data: isPastSwap(steps)
    case .power: !steps.isEmpty
    }
  }

  /// Whether a data job has begun its exchange.
  static func isPastSwap(_ steps: [JobStep]) -> Bool {
    steps.contains { $0.name == JournalStep.swap && $0.phase == .begun }
  }
}
