import Catalog
package import Model

extension Operations {
  /// Changes what an unfinished job may take of its host.
  ///
  /// Its worker follows within a second. A job that has ended stays as it is. What `change` leaves as it finds it stays as it is.
  package func limitJob(
    _ caller: Caller,
    _ id: String,
    _ change: @escaping @Sendable (inout JobLimits) -> Void
  ) async throws(Refusal) -> Job {
    try caller.require(.backupVM)
    let job = try await job(caller, id)
    return try await write { transaction in
      guard var limits = try transaction.job(job.id)?.limits else { throw Refusal.notFound }
      change(&limits)
      if try transaction.setLimits(limits, of: job.id) {
        try transaction.append(self.audit(caller, "job.limit", job.id.text))
      }
      guard let now = try transaction.job(job.id) else { throw Refusal.notFound }
      return now
    }
  }
}
