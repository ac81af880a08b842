package import Catalog
package import Disks
package import Model

/// Ends exchanges that a crash has halved, with nothing but the journal and the files.
///
/// A machine of several disks whose host lost power between two exchanges has a new disk beside an old
/// one. Its autostart is off from before the first, but a person, or what starts machines after a boot,
/// may be faster than the worker. So this comes before libvirt: afterwards all disks are new or all are
/// old. What else belongs to the restore is the worker's, which finds the files by their stamps.
package struct FileRecovery: Sendable {
  private let catalog: any Catalog
  private let exchange: any DiskExchange
  private let node: String

  /// Makes a recovery of a node's disks.
  package init(
    catalog: any Catalog,
    exchange: any DiskExchange = RenameExchange(),
    node: String
  ) {
    self.catalog = catalog
    self.exchange = exchange
    self.node = node
  }

  /// What was done about one job's disks.
  package enum Outcome: Sendable, Equatable {
    /// All of them were the same side's: nothing was moved.
    case whole
    /// So many of them were moved, and now all are the same side's.
    case moved(Int)
    /// They can't be told apart or reached: nobody should start the machine.
    case unclear(String)
  }

  /// One job whose exchange wasn't journaled as done.
  package struct Finding: Sendable, Equatable {
    package let job: JobID
    package let vps: VPSID
    package let outcome: Outcome
  }

  /// Looks at every unfinished restore and undo of the node.
  package func run() async throws(CatalogFault) -> [Finding] {
    let (catalog, node) = (catalog, node)
    let jobs = try await catalog.read { transaction in
      try transaction.jobs(
        JobFilter(states: Set(JobState.allCases.filter { !$0.isFinal }), limit: .max)
      )
      .filter { $0.node == node }
      .map { ($0, RestoreJournal(try transaction.steps(of: $0.id))) }
    }
    var findings: [Finding] = []
    for (job, journal) in jobs {
      guard let kind = RestoreKind(job.task), let stage = journal.stage, stage.isInPlace != true,
        let wantsNew = Self.wantsNew(kind, journal.summary)
      else { continue }
      let outcome: Outcome
      do throws(DiskError) {
        outcome = try await complete(stage.pairs, new: wantsNew)
      } catch {
        outcome = .unclear("\(error)")
      }
      findings.append(Finding(job: job.id, vps: job.vpsID, outcome: outcome))
    }
    return findings
  }

  /// Which disks are to be in place where an exchange was under way: the restore's new ones, or the
  /// former ones; nil: none was.
  static func wantsNew(_ kind: RestoreKind, _ journal: JournalSummary) -> Bool? {
    if journal.begun.contains(.rollback) {
      return journal.done.contains(.rollback) ? nil : kind != .restore
    }
    guard journal.begun.contains(.swap), !journal.done.contains(.swap) else { return nil }
    return kind == .restore
  }

  private func complete(
    _ pairs: [ExchangePair],
    new wantsNew: Bool
  ) async throws(DiskError) -> Outcome {
    let wanted: ExchangeState = wantsNew ? .done : .notDone
    var late: [ExchangePair] = []
    for pair in pairs {
      let state = try await exchange.state(of: pair)
      guard state != .unknown else {
        return .unclear("\(pair.current) is neither the new disk nor the former one")
      }
      if state != wanted { late.append(pair) }
    }
    // Where none has moved yet the worker may still decide not to.
    guard !late.isEmpty, late.count < pairs.count else { return .whole }
    let lock = try await ImageLock.exclusive(pairs.flatMap { [$0.current, $0.staged] })
    defer { lock.release() }
    for pair in late {
      if wantsNew {
        try await exchange.exchange(pair, holding: lock)
      } else {
        try await exchange.reverse(pair, holding: lock)
      }
    }
    for pair in pairs { try await exchange.sync(pair) }
    return .moved(late.count)
  }
}

extension RestoreKind {
  /// What a job's exchange is for; nil: the job exchanges nothing.
  init?(_ task: JobTask) {
    switch task {
    case .restore: self = .restore
    case .undo: self = .undo
    case .backup, .power: return nil
    }
  }
}
