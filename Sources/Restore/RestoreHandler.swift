package import Jobs
package import Model

/// Does restores and undos.
package struct RestoreHandler: JobHandler {
  private let parts: RestoreParts

  /// Makes a handler with everything it works with.
  package init(parts: RestoreParts) {
    self.parts = parts
  }

  package func run(_ job: Job, context: JobContext, isLastAttempt: Bool) async -> JobOutcome {
    guard let kind = RestoreKind(job.task) else {
      return .failed(
        JobFailure(code: .internalError, detail: "Another job came to the restore's handler."),
        also: { _ in }
      )
    }
    let run = RestoreRun(kind, job, parts: parts, context: context, isLast: isLastAttempt)
    return await run.run()
  }
}
