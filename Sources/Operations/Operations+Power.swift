package import Catalog
package import Model

extension Operations {
  /// Accepts a power action: the rule of its gate, then job and audit, in one transaction.
  package func changePower(
    _ caller: Caller,
    of id: String,
    _ task: PowerTask
  ) throws(Refusal) -> Change<Job> {
    try caller.require(.powerVM)
    return Change { transaction in
      let vps = try self.find(id, for: caller, transaction)
      guard vps.serviceStatus != .terminated else { throw Refusal.notFound }
      let facts = try self.facts(of: vps, for: caller, transaction)
      try GateRules.power(task.action, facts)
      let job = Job(
        id: self.identifiers.make(),
        clientID: vps.clientID,
        vpsID: vps.id,
        node: vps.node,
        task: .power(task),
        createdAt: self.clock.now()
      )
      // The gate has let only a stop pass that may take its place.
      if let waiting = facts.powerJobID {
        try self.overtake(waiting, with: job.id, by: caller, transaction)
      }
      try self.insert(job, transaction)
      try transaction.append(
        self.audit(caller, "power.\(task.action.rawValue)", vps.id.text, detail: job.id.text)
      )
      return job
    }
  }

  /// Ends a job that waits for its guest to shut down, and says what came in its place.
  private func overtake(
    _ id: JobID,
    with stop: JobID,
    by caller: Caller,
    _ transaction: any CatalogTransaction
  ) throws {
    let failure = JobFailure(
      code: .jobCancelled,
      detail: "The guest had not shut down when a stop was asked for, which is done by \(stop)."
    )
    guard try transaction.overtake(id, failure: failure, at: clock.now()) else { return }
    try transaction.append(audit(caller, "job.cancel", id.text, detail: stop.text))
  }

  /// The data job that holds a VPS's power, if one does.
  package static func powerHolder(
    of vps: VPSID,
    _ transaction: any CatalogTransaction
  ) throws(CatalogError) -> JobID? {
    guard let job = try transaction.unfinishedJob(of: vps, class: .data),
      holdsPower(try transaction.steps(of: job.id, named: JournalStep.power))
    else { return nil }
    return job.id
  }
}
