import Catalog
package import Model

extension Operations {
  /// Notes that an operator has put in order what a job left of its VPS: backups, restores,
  /// schedules and retention go on, and what the job held is let go.
  package func resolveJob(_ caller: Caller, _ id: String) async throws(Refusal) -> Job {
    try await write { transaction in
      let job = try self.findJob(id, for: caller, transaction)
      guard try transaction.settle(job.id) else { throw Refusal.nothingToResolve(job.id) }
      try transaction.releaseHolds(of: job.id)
      try transaction.append(self.audit(caller, "job.resolve", job.id.text, detail: job.vpsID.text))
      guard let settled = try transaction.job(job.id) else { throw Refusal.notFound }
      return settled
    }
  }
}

extension Refusal {
  /// A job after which nobody has to look at anything, or somebody has.
  static func nothingToResolve(_ job: JobID) -> Refusal {
    .taken("/job", "The job \(job) has left nothing that waits for an operator.")
  }
}
