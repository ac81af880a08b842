import Model

/// Turns a handler's reports into the progress that is shown: never backward, with a rate.
struct ProgressMeter {
  private struct Sample {
    var at: Timestamp
    var bytes: Int64
  }

  /// How far back the rate looks.
  private static let window = Duration.seconds(5)
  /// Samples closer together than this tell nothing.
  private static let spacing = Duration.milliseconds(250)

  private(set) var current: JobProgress
  private var isNew = false
  private var samples: [Sample] = []

  init(_ progress: JobProgress) {
    current = progress
  }

  /// Takes a report into account.
  mutating func take(_ report: JobProgress, at now: Timestamp) {
    var next = report
    next.percent = max(current.percent, min(100, max(0, report.percent)))
    if report.bytesPerSecond == 0 { next.bytesPerSecond = rate(report, at: now) }
    isNew = isNew || next != current
    current = next
  }

  /// What is to be stored now; nil: what is stored is the newest.
  mutating func next() -> JobProgress? {
    defer { isNew = false }
    return isNew ? current : nil
  }

  /// What is to be stored with the job's end; nil: what is stored is the newest.
  mutating func last(isCompleted: Bool) -> JobProgress? {
    if isCompleted, current.percent != 100 {
      current.percent = 100
      isNew = true
    }
    return next()
  }

  private mutating func rate(_ report: JobProgress, at now: Timestamp) -> Int64 {
    if report.step != current.step || report.bytesDone < current.bytesDone { samples = [] }
    guard let newest = samples.last else {
      samples = [Sample(at: now, bytes: report.bytesDone)]
      return 0
    }
    if newest.at.advanced(by: Self.spacing) <= now {
      samples.append(Sample(at: now, bytes: report.bytesDone))
      while samples.count > 2, samples[1].at.advanced(by: Self.window) <= now {
        samples.removeFirst()
      }
    }
    let elapsed = now.milliseconds - samples[0].at.milliseconds
    guard elapsed >= Self.spacing.milliseconds else { return 0 }
    return (report.bytesDone - samples[0].bytes) * 1000 / elapsed
  }
}
