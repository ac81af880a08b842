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
      try GateRules.power(task.action, self.facts(of: vps, for: caller, transaction))
      let job = Job(
        id: self.identifiers.make(),
        clientID: vps.clientID,
        vpsID: vps.id,
        node: vps.node,
        task: .power(task),
        createdAt: self.clock.now()
      )
      try self.insert(job, transaction)
      try transaction.append(
        self.audit(caller, "power.\(task.action.rawValue)", vps.id.text, detail: job.id.text)
      )
      return job
    }
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
