/// Whether an action is allowed, and if not, why: one rule for what is shown and what is enforced.
package struct Gate: Sendable, Equatable {
  /// Whether it is allowed.
  package var allowed: Bool
  /// The sentence for people; nil when allowed.
  package var reason: String?
  /// The stable word; nil when allowed.
  package var code: String?

  /// The open gate.
  package static let open = Gate(allowed: true, reason: nil, code: nil)

  /// The gate that a refusal closes.
  package init(closedBy refusal: Refusal) {
    allowed = false
    reason = refusal.detail
    switch refusal {
    case .vpsNotReady(let reason, _): code = reason.rawValue
    case .invalidRequest(let faults) where !faults.isEmpty:
      reason = faults[0].detail
      code = faults[0].code.rawValue
    default: code = refusal.code
    }
  }

  private init(allowed: Bool, reason: String?, code: String?) {
    self.allowed = allowed
    self.reason = reason
    self.code = code
  }

  /// The gate that a rule's outcome makes.
  package init(_ rule: () throws(Refusal) -> Void) {
    do throws(Refusal) {
      try rule()
      self = .open
    } catch {
      self.init(closedBy: error)
    }
  }
}

/// What gates decide from: nothing else may matter.
package struct GateFacts: Sendable, Equatable {
  /// Where the service stands.
  package var serviceStatus: ServiceStatus
  /// What the worker saw last.
  package var observation: Observation?
  /// The unfinished data job, if any.
  package var dataJobID: JobID?
  /// The unfinished power job, if any.
  package var powerJobID: JobID?
  /// The data job that left the disks so that an operator must look at them, if one did.
  package var unsettledJobID: JobID?
  /// Whether the data job holds the power state: from a restore's stop to its start.
  package var dataJobHoldsPower: Bool
  /// Whether all that the power job does any more is to wait for its guest to shut down.
  package var powerJobYieldsToStop: Bool
  /// How many backups there are.
  package var backupsUsed: Int
  /// How many there may be; nil: any number.
  package var backupLimit: Int?
  /// What the caller may do; nil: an operator, who may do anything.
  package var scopes: Set<Scope>?
  /// How a restore that asks for nothing else is done.
  package var strategy: RestoreStrategy

  /// Makes the facts.
  package init(
    serviceStatus: ServiceStatus,
    observation: Observation?,
    dataJobID: JobID? = nil,
    powerJobID: JobID? = nil,
    unsettledJobID: JobID? = nil,
    dataJobHoldsPower: Bool = false,
    powerJobYieldsToStop: Bool = false,
    backupsUsed: Int = 0,
    backupLimit: Int? = nil,
    scopes: Set<Scope>? = nil,
    strategy: RestoreStrategy = .staged
  ) {
    self.serviceStatus = serviceStatus
    self.observation = observation
    self.dataJobID = dataJobID
    self.powerJobID = powerJobID
    self.unsettledJobID = unsettledJobID
    self.dataJobHoldsPower = dataJobHoldsPower
    self.powerJobYieldsToStop = powerJobYieldsToStop
    self.backupsUsed = backupsUsed
    self.backupLimit = backupLimit
    self.scopes = scopes
    self.strategy = strategy
  }
}

/// The rules behind the gates; each throws the refusal that its POST would answer.
package enum GateRules {
  /// Refuses a restore that this VPS may not get, from another or itself.
  package static func restore(_ facts: GateFacts) throws(Refusal) {
    try requireScope(.backupVM, facts)
    try targetState(facts)
    try targetStorage(facts)
    try noDataJob(facts)
  }

  /// The part of rule 8 that holds for every backup: a disk that none can be put onto.
  private static func targetStorage(_ facts: GateFacts) throws(Refusal) {
    let disks = facts.observation?.disks ?? []
    let unsupported = disks.filter { !RestorePlan.isSupported($0, by: facts.strategy) }
    guard !unsupported.isEmpty else { return }
    throw .invalidRequest(
      unsupported.map { Mismatch.unsupportedStorage(device: $0.device).fault }
    )
  }

  /// Refuses a backup of this VPS that may not be made.
  package static func createBackup(_ facts: GateFacts) throws(Refusal) {
    try requireScope(.backupVM, facts)
    try active(facts)
    try disksAreKnown(facts)
    let observation = try present(facts)
    try settled(observation)
    guard observation.activity == .none else { throw .vpsNotReady(.blockJob, jobID: nil) }
    if let limit = facts.backupLimit, facts.backupsUsed >= limit {
      throw .backupQuotaExceeded(used: facts.backupsUsed, limit: limit)
    }
    try noDataJob(facts)
  }

  /// Rule 7 of restore-from-vps: the target's state, without its jobs.
  package static func targetState(_ facts: GateFacts) throws(Refusal) {
    try active(facts)
    try disksAreKnown(facts)
    let observation = try present(facts)
    try exchangeable(observation)
  }

  /// What the exchange of a disk may not meet.
  package static func exchangeable(_ observation: Observation) throws(Refusal) {
    guard !observation.isMissing else { throw .vpsNotReady(.domainMissing, jobID: nil) }
    guard observation.isPersistent, observation.definitionsAgree else {
      throw .vpsNotReady(.transientDomain, jobID: nil)
    }
    guard !observation.hasSavedState else { throw .vpsNotReady(.savedState, jobID: nil) }
    try settled(observation)
    guard observation.snapshotCount == 0 else { throw .vpsNotReady(.snapshots, jobID: nil) }
    guard observation.activity == .none else { throw .vpsNotReady(.blockJob, jobID: nil) }
    guard observation.foreignCheckpoints.isEmpty else {
      throw .vpsNotReady(.foreignCheckpoints, jobID: nil)
    }
    for disk in observation.disks {
      switch disk.obstacle {
      case .backingChain: throw .vpsNotReady(.backingChain, jobID: nil)
      case .shared: throw .vpsNotReady(.sharedDisk, jobID: nil)
      case .unsupportedStorage, .hostile, nil: continue
      }
    }
  }

  /// Rule 9 of restore-from-vps: no other data job.
  package static func noDataJob(_ facts: GateFacts) throws(Refusal) {
    if let job = facts.dataJobID { throw .vpsNotReady(.jobInFlight, jobID: job) }
  }

  /// Nothing is done with disks of which nobody knows what is on them: a backup of them would push
  /// out a good one, and a guest that boots from them could ruin what can still be put right.
  package static func disksAreKnown(_ facts: GateFacts) throws(Refusal) {
    if let job = facts.unsettledJobID { throw .vpsNotReady(.needsOperator, jobID: job) }
  }

  /// Refuses a power action that this VPS may not get.
  ///
  /// Data jobs don't matter until one holds the power, or has left the disks in an unknown state. A
  /// stop overtakes what only waits for the guest to shut down.
  package static func power(_ action: PowerAction, _ facts: GateFacts) throws(Refusal) {
    try requireScope(.powerVM, facts)
    try active(facts)
    if action.boots { try disksAreKnown(facts) }
    let observation = try present(facts)
    if facts.dataJobHoldsPower, let job = facts.dataJobID {
      throw .vpsNotReady(.jobInFlight, jobID: job)
    }
    if let job = facts.powerJobID, !(action == .stop && facts.powerJobYieldsToStop) {
      throw .vpsNotReady(.jobInFlight, jobID: job)
    }
    try powerable(action, observation)
  }

  /// What a machine must be for a power action, without its jobs.
  package static func powerable(
    _ action: PowerAction,
    _ observation: Observation
  ) throws(Refusal) {
    guard !observation.isMissing else { throw .vpsNotReady(.domainMissing, jobID: nil) }
    try powerable(isPersistent: observation.isPersistent, observation.activity)
    // A start boots: the saved memory, and what the guest had not written yet, would be lost.
    if action == .start, observation.hasSavedState {
      throw .vpsNotReady(.savedState, jobID: nil)
    }
    guard action.sensibleStates.contains(observation.powerState) else {
      throw .vpsNotReady(.powerStateUnsettled, jobID: nil)
    }
  }

  /// What no power action may meet, whatever the machine does.
  package static func powerable(
    isPersistent: Bool,
    _ activity: DomainActivity
  ) throws(Refusal) {
    // A machine without a definition is gone for good when it is stopped.
    guard isPersistent else { throw .vpsNotReady(.transientDomain, jobID: nil) }
    switch activity {
    // A backup session ends with the machine and nothing is lost but the backup.
    case .none, .backup: break
    case .migration, .blockJob, .other: throw .vpsNotReady(.blockJob, jobID: nil)
    }
  }

  private static func requireScope(_ scope: Scope, _ facts: GateFacts) throws(Refusal) {
    guard let scopes = facts.scopes, !scopes.contains(scope) else { return }
    throw .forbidden(required: [scope])
  }

  private static func active(_ facts: GateFacts) throws(Refusal) {
    guard facts.serviceStatus == .active else { throw .vpsNotReady(.notActive, jobID: nil) }
  }

  private static func present(_ facts: GateFacts) throws(Refusal) -> Observation {
    guard let observation = facts.observation else {
      throw .vpsNotReady(.powerStateUnsettled, jobID: nil)
    }
    guard !observation.isMissing else { throw .vpsNotReady(.domainMissing, jobID: nil) }
    return observation
  }

  private static func settled(_ observation: Observation) throws(Refusal) {
    guard observation.powerState == .running || observation.powerState == .stopped else {
      throw .vpsNotReady(.powerStateUnsettled, jobID: nil)
    }
  }
}

extension PowerAction {
  /// The power states in which it makes sense: a guest that doesn't run can't be asked anything.
  fileprivate var sensibleStates: Set<PowerState> {
    switch self {
    case .start: [.stopped]
    case .stop: [.running, .paused, .starting, .stopping, .error]
    case .shutdown, .restart, .reset: [.running]
    }
  }
}
