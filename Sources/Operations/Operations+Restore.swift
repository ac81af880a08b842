import Catalog
package import Model

/// A restore as somebody asks for it.
package struct RestoreRequest: Sendable, Equatable {
  /// The VPS that gets the backup.
  package var target: String
  /// The VPS that the backup was made of; nil: the target itself.
  package var source: String?
  /// The backup.
  package var backup: String
  /// How the disk gets there; nil: as the installation says.
  package var strategy: RestoreStrategy?
  /// Whether to start the target even when it was off.
  package var startsWhenOff: Bool

  /// Makes a request.
  package init(
    target: String,
    source: String?,
    backup: String,
    strategy: RestoreStrategy? = nil,
    startsWhenOff: Bool = false
  ) {
    self.target = target
    self.source = source
    self.backup = backup
    self.strategy = strategy
    self.startsWhenOff = startsWhenOff
  }
}

/// What the rules of restore-from-vps found.
package struct RestoreFacts: Sendable {
  package var target: VPS
  package var source: VPS
  package var backup: Backup
  package var plan: RestorePlan
}

extension Operations {
  /// Accepts a restore, from another VPS or the target itself: rules 3–9, then job, hold and audit,
  /// in one transaction.
  package func restoreFromVPS(
    _ caller: Caller,
    _ request: RestoreRequest
  ) throws(Refusal) -> Change<Job> {
    try caller.require(.backupVM)
    return Change { transaction in
      let facts = try self.restoreFacts(request, for: caller, transaction)
      let job = Job(
        id: self.identifiers.make(),
        clientID: facts.target.clientID,
        vpsID: facts.target.id,
        node: facts.target.node,
        task: .restore(
          RestoreTask(
            sourceVPSID: facts.source.id,
            backupID: facts.backup.id,
            strategy: request.strategy ?? self.policy.defaultStrategy,
            startsWhenOff: request.startsWhenOff
          )
        ),
        createdAt: self.clock.now()
      )
      try self.insert(job, transaction)
      try transaction.insertHold(backup: facts.backup.id, job: job.id)
      try Self.reserve(for: job, facts.plan, transaction)
      try transaction.append(
        self.audit(caller, "restore.accept", facts.target.id.text, detail: job.id.text)
      )
      return job
    }
  }

  /// Tells what a restore would do, by the same rules, and does nothing.
  package func previewRestore(
    _ caller: Caller,
    _ request: RestoreRequest
  ) async throws(Refusal) -> RestorePreview {
    try caller.require(.backupVM)
    return try await read { transaction in
      let facts = try self.restoreFacts(request, for: caller, transaction)
      let nonZero = facts.plan.pairs.reduce(0) { $0 + $1.source.nonZeroBytes }
      return RestorePreview(
        pairs: facts.plan.pairs,
        neededBytes: RestorePlan.neededBytes(nonZeroBytes: nonZero),
        freeBytes: try facts.plan.pairs.compactMap(\.target.freeBytes).min().map {
          max(0, $0 - (try Self.reservedBytes(beside: facts.target, transaction)))
        },
        powerState: facts.target.observation?.powerState ?? .unknown
      )
    }
  }

  /// Rules 3–9 in their order; the first that fails answers.
  func restoreFacts(
    _ request: RestoreRequest,
    for caller: Caller,
    _ transaction: any CatalogTransaction
  ) throws -> RestoreFacts {
    let target = try find(request.target, for: caller, transaction)
    guard target.serviceStatus != .terminated else { throw Refusal.notFound }
    let source =
      try request.source.map { try self.source($0, of: target, for: caller, transaction) } ?? target
    guard let backupID = BackupID(request.backup), let backup = try transaction.backup(backupID),
      backup.vpsID == source.id, backup.clientID == target.clientID,
      backup.isRestorable(at: clock.now())
    else { throw Refusal.notFound }
    let facts = try facts(of: target, for: caller, transaction)
    try GateRules.targetState(facts)
    let strategy = request.strategy ?? policy.defaultStrategy
    guard strategy == .staged || policy.allowsInPlace else { throw Refusal.strategyUnavailable }
    let plan = try Self.fit(
      backup,
      onto: target,
      strategy: strategy,
      reservedBytes: Self.reservedBytes(beside: target, transaction)
    )
    try GateRules.noDataJob(facts)
    return RestoreFacts(target: target, source: source, backup: backup, plan: plan)
  }

  /// What jobs that were accepted before have yet to take where the target's disks are, and guests
  /// whose disks share blocks with a former one; of several file systems the most, as the least that is free counts for all.
  static func reservedBytes(
    beside target: VPS,
    _ transaction: any CatalogTransaction
  ) throws(CatalogError) -> Int64 {
    var most: Int64 = 0
    for fileSystem in Set((target.observation?.disks ?? []).compactMap(\.fileSystem)) {
      most = max(most, try transaction.owedBytes(node: target.node, fileSystem: fileSystem))
    }
    return most
  }

  /// Promises a staged restore the space that it was accepted for.
  private static func reserve(
    for job: Job,
    _ plan: RestorePlan,
    _ transaction: any CatalogTransaction
  ) throws(CatalogError) {
    guard case .restore(let task) = job.task, task.strategy == .staged else { return }
    for (fileSystem, bytes) in plan.neededByFileSystem {
      try transaction.insert(
        SpaceReservation(jobID: job.id, node: job.node, fileSystem: fileSystem, bytes: bytes)
      )
    }
  }

  /// Rule 8: the backup must fit the target, beside what is promised to others.
  package static func fit(
    _ backup: Backup,
    onto target: VPS,
    strategy: RestoreStrategy,
    reservedBytes: Int64 = 0
  ) throws(Refusal) -> RestorePlan {
    guard let contents = backup.contents else { throw .notFound }
    guard let observation = target.observation else {
      throw .vpsNotReady(.powerStateUnsettled, jobID: nil)
    }
    switch RestorePlan.make(
      contents,
      onto: observation,
      strategy: strategy,
      reservedBytes: reservedBytes
    ) {
    case .success(let plan): return plan
    case .failure(let mismatches): throw .invalidRequest(mismatches.all.map(\.fault))
    }
  }

  /// Rules 4 and 5: another VPS of the same client.
  private func source(
    _ text: String,
    of target: VPS,
    for caller: Caller,
    _ transaction: any CatalogTransaction
  ) throws -> VPS {
    guard text != target.id.text, text != target.name || caller.clientID != nil else {
      throw Refusal.sameVPS
    }
    let source = try findSource(text, for: caller, transaction)
    guard source.id != target.id else { throw Refusal.sameVPS }
    guard source.clientID == target.clientID else { throw Refusal.notFound }
    return source
  }

  /// A terminated source counts only while it has backups left; operators may name it as well.
  private func findSource(
    _ text: String,
    for caller: Caller,
    _ transaction: any CatalogTransaction
  ) throws -> VPS {
    let source = try find(text, for: caller, transaction)
    if source.serviceStatus == .terminated,
      try transaction.countBackups(of: source.id, in: [.complete]) == 0
    {
      throw Refusal.notFound
    }
    return source
  }

  /// Inserts a job; the schema's "one unfinished job" is the last word on a race.
  func insert(_ job: Job, _ transaction: any CatalogTransaction) throws {
    do throws(CatalogError) {
      try transaction.insert(job)
    } catch .constraint(.unfinishedJob) {
      let other = try transaction.unfinishedJob(of: job.vpsID, class: job.task.jobClass)
      throw Refusal.vpsNotReady(.jobInFlight, jobID: other?.id)
    }
  }
}

extension Refusal {
  /// Rule 4: source and target must be different VPSs.
  static let sameVPS = Refusal.invalidRequest([
    Fault(
      pointer: "/sourceVpsId",
      code: .sameVPS,
      detail: "The source and the target must be different VPSs."
    )
  ])

  /// A strategy that this version or this installation doesn't offer.
  static let strategyUnavailable = Refusal.invalidRequest([
    Fault(
      pointer: "/strategy",
      code: .invalidValue,
      detail: "This installation offers the staged strategy only."
    )
  ])
}
