import Model

/// A job's progress in one line.
enum ProgressText {
  private static let cells = 24

  /// The bar: what matters most comes first, because a narrow terminal cuts the rest off.
  static func bar(_ job: Job) -> String {
    let progress = job.progress
    let percent = min(100, max(0, progress.percent))
    let filled = cells * percent / 100
    let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: cells - filled)
    let number = String(repeating: " ", count: 3 - "\(percent)".count) + "\(percent)"
    return (["[\(bar)] \(number) %", step(job)] + details(progress)).joined(separator: "  ")
  }

  /// The same for a log: no bar.
  static func line(_ job: Job) -> String {
    (["\(job.progress.percent) %", step(job)] + details(job.progress)).joined(separator: "  ")
  }

  /// What a job does now.
  static func step(_ job: Job) -> String {
    switch job.state {
    case .queued: "queued"
    case .waiting: "waiting to try again"
    case .running: Table.printable(job.progress.step)
    case .completed, .failed, .cancelled: job.state.rawValue
    }
  }

  private static func details(_ progress: JobProgress) -> [String] {
    guard progress.bytesTotal > 0 else { return [] }
    var parts = ["\(ByteText.of(progress.bytesDone)) of \(ByteText.of(progress.bytesTotal))"]
    guard progress.bytesPerSecond > 0 else { return parts }
    parts.append("\(ByteText.of(progress.bytesPerSecond))/s")
    let left = max(0, progress.bytesTotal - progress.bytesDone) / progress.bytesPerSecond
    parts.append("\(DurationText.clock(.seconds(left))) left")
    return parts
  }
}
