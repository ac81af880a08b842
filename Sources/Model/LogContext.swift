/// What every line of the log that is written on behalf of something tells about it.
///
/// It goes with the task, so that code far below a request or a job need not know of it.
package enum LogContext {
  /// The request that is being answered.
  @TaskLocal package static var requestID: RequestID?
  /// The job that is being worked on.
  @TaskLocal package static var jobID: JobID?
}
