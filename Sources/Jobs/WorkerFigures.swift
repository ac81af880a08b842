import CoreMetrics
import Model

/// Counts what a worker does.
struct WorkerFigures: Sendable {
  private let factory: any MetricsFactory
  private let running: Meter

  init(_ factory: any MetricsFactory) {
    self.factory = factory
    running = Meter(label: MetricName.jobsRunning.rawValue, factory: factory)
  }

  /// An attempt begins.
  func begin(_ job: Job) {
    running.increment()
    counter(.jobAttempts, [("kind", job.task.kind.rawValue)]).increment()
  }

  /// An attempt is over, however it went.
  func end() { running.decrement() }

  /// A job has come to its end, which is written down.
  func finished(_ job: Job, _ state: JobState, _ result: JobResult?, at now: Timestamp) {
    let labels = [("kind", job.task.kind.rawValue), ("state", state.rawValue)]
    counter(.jobsEnded, labels).increment()
    let start = job.startedAt ?? job.createdAt
    Timer(label: MetricName.jobDuration.rawValue, dimensions: labels, factory: factory)
      .recordNanoseconds(max(0, now.milliseconds - start.milliseconds) * 1_000_000)
    for (flow, bytes) in result?.flows ?? [] {
      counter(.jobBytes, [("kind", job.task.kind.rawValue), ("flow", flow)])
        .increment(by: max(0, bytes))
    }
  }

  /// Counts the bytes of a job's stages as it goes.
  func stages(of job: Job) -> StageCounter {
    StageCounter(kind: job.task.kind, stored: job.progress, factory)
  }

  private func counter(_ name: MetricName, _ labels: [(String, String)]) -> Counter {
    Counter(label: name.rawValue, dimensions: labels, factory: factory)
  }
}

/// Counts how far a job's stages come; cheap enough for every chunk.
struct StageCounter: Sendable {
  private let kind: JobKind
  private let factory: any MetricsFactory
  private var stage: String
  private var done: Int64
  private var counter: Counter?

  /// What an earlier attempt has done is counted already.
  init(kind: JobKind, stored: JobProgress, _ factory: any MetricsFactory) {
    self.kind = kind
    self.factory = factory
    stage = stored.step
    done = stored.bytesDone
  }

  /// Takes a report into account.
  mutating func take(_ report: JobProgress) {
    if report.step != stage {
      stage = report.step
      done = 0
      counter = nil
    }
    guard report.bytesDone > done else { return }
    let made =
      counter
      ?? Counter(
        label: MetricName.stageBytes.rawValue,
        dimensions: [("kind", kind.rawValue), ("stage", stage)],
        factory: factory
      )
    made.increment(by: report.bytesDone - done)
    counter = made
    done = report.bytesDone
  }
}

extension JobResult {
  /// The bytes that went each way; nothing for a job that moves none.
  fileprivate var flows: [(String, Int64)] {
    switch self {
    case .backup(let result):
      [
        ("read", result.bytesRead), ("written", result.bytesWritten),
        ("reused", result.bytesReused),
      ]
    case .restore(let result):
      [
        ("read", result.bytesRead), ("written", result.bytesWritten),
        ("reused", result.bytesReused),
      ]
    case .undo, .power: []
    }
  }
}
