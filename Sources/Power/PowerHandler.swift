package import Jobs
package import Model

/// Does power actions.
package struct PowerHandler: JobHandler {
  private let parts: PowerParts

  /// Makes a handler with everything it works with.
  package init(parts: PowerParts) {
    self.parts = parts
  }

  package func run(_ job: Job, context: JobContext, isLastAttempt: Bool) async -> JobOutcome {
    guard case .power(let task) = job.task else {
      return .failed(
        JobFailure(code: .internalError, detail: "Another job came to the power handler."),
        also: { _ in }
      )
    }
    return await PowerRun(job, task, parts: parts, context: context)
      .run(isLastAttempt: isLastAttempt)
  }
}
