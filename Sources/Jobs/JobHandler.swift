package import Catalog
package import Model

/// How one attempt at a job ended.
package enum JobOutcome: Sendable {
  /// Done; `also` runs in the transaction that records the result.
  case completed(JobResult, also: @Sendable (any CatalogTransaction) throws -> Void)
  /// Given up; `also` runs in the transaction that records the failure.
  case failed(JobFailure, also: @Sendable (any CatalogTransaction) throws -> Void)
  /// Ended by its owner; `also` runs in the transaction that records it.
  case cancelled(JobFailure, also: @Sendable (any CatalogTransaction) throws -> Void)
  /// To be tried again later, unless its attempts are used up: then it has failed with this. A job
  /// with a journal gets a few attempts more, since somebody must put right what it has begun.
  case retry(JobFailure)
  /// The lease is gone: somebody else goes on, nothing is recorded.
  case leaseLost
}

/// Does jobs of some kinds.
package protocol JobHandler: Sendable {
  /// Works on a job until it ends or can't go on.
  ///
  /// `isLastAttempt` tells that a retry will not come: what can be put right must be now.
  func run(_ job: Job, context: JobContext, isLastAttempt: Bool) async -> JobOutcome
}
