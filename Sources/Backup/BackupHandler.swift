package import Jobs
package import Model

/// Does backups.
package struct BackupHandler: JobHandler {
  private let parts: BackupParts

  /// Makes a handler with everything it works with.
  package init(parts: BackupParts) {
    self.parts = parts
  }

  package func run(_ job: Job, context: JobContext, isLastAttempt: Bool) async -> JobOutcome {
    guard case .backup(let task) = job.task else {
      return .failed(
        JobFailure(code: .internalError, detail: "Another job came to the backup's handler."),
        also: { _ in }
      )
    }
    return await BackupRun(job, task, parts: parts, context: context)
      .run(isLastAttempt: isLastAttempt)
  }
}
