import Model
import Monitoring
import TestSupport
import Testing

@testable import Jobs

/// What a worker tells of its jobs.
@Suite(.scratchDirectory, .timeLimit(.minutes(2)))
struct WorkerFigureTests {
  private static func lines(_ registry: MetricRegistry) -> [Substring] {
    ExpositionText.of(registry.families()).split(separator: "\n")
  }

  @Test func `attempts, ends, durations and bytes are counted`() async throws {
    let bench = try Bench()
    let registry = MetricRegistry()
    let job = try await bench.fixture.job()
    let worker = bench.worker(metrics: registry) { job, context, _ in
      #expect(Self.lines(registry).contains("rehome_worker_jobs_running 1"))
      guard job.attempts > 1 else {
        context.report(JobProgress(step: "read", bytesDone: 100))
        // What was told before, or less, isn't done twice.
        context.report(JobProgress(step: "read", bytesDone: 100))
        context.report(JobProgress(step: "read", bytesDone: 10))
        context.report(JobProgress(step: "read", bytesDone: 250))
        return .retry(failure)
      }
      // An earlier attempt's bytes are counted already.
      context.report(JobProgress(step: "read", bytesDone: 300))
      context.report(JobProgress(step: "write", bytesDone: 7))
      guard case .backup(let task) = job.task else { return .leaseLost }
      return .completed(
        .backup(
          BackupResult(
            backupID: task.backupID,
            sizeBytes: 9,
            bytesRead: 4,
            bytesWritten: 3,
            bytesReused: 2,
            frozen: false,
            frozenMilliseconds: 0
          )
        ),
        also: { _ in }
      )
    }
    let ended = try await bench.finishing(worker, job)
    #expect(ended.state == .completed)
    let lines = Self.lines(registry)
    let labels = #"kind="backup",state="completed""#
    for line in [
      #"rehome_job_attempts_total{kind="backup"} 2"#,
      "rehome_jobs_ended_total{\(labels)} 1",
      "rehome_job_duration_seconds_count{\(labels)} 1",
      #"rehome_job_bytes_total{kind="backup",flow="read"} 4"#,
      #"rehome_job_bytes_total{kind="backup",flow="written"} 3"#,
      #"rehome_job_bytes_total{kind="backup",flow="reused"} 2"#,
      #"rehome_job_stage_bytes_total{kind="backup",stage="read"} 300"#,
      #"rehome_job_stage_bytes_total{kind="backup",stage="write"} 7"#,
      "rehome_worker_jobs_running 0",
    ] {
      #expect(lines.contains { $0 == line }, "\(line)")
    }
  }
}
