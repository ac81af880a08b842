import Model

/// Shows how a job gets on: a bar on a terminal, lines elsewhere, nothing beside JSON.
struct ProgressView: Sendable {
  private enum Style {
    case bar, lines, nothing
  }

  /// Without automatic wrapping a line that is too long is cut off, however narrow the terminal is
  /// and whenever it is resized; so the bar never needs to know the width.
  private static let lineStart = "\r\u{1B}[?7l"
  private static let lineEnd = "\u{1B}[K\u{1B}[?7h"

  /// Where it is shown.
  let console: Console

  private let style: Style
  private var lastStep = ""
  private var lastTenth = -1

  /// Makes a view.
  init(console: Console) {
    self.console = console
    style = console.isJSON ? .nothing : console.drawsProgress ? .bar : .lines
  }

  /// Shows where the job is now.
  mutating func show(_ job: Job) {
    switch style {
    case .nothing:
      break
    case .bar:
      guard !job.state.isFinal else { return }
      console.draw(Self.lineStart + ProgressText.bar(job) + Self.lineEnd)
    case .lines:
      guard !job.state.isFinal else { return }
      let step = ProgressText.step(job)
      let tenth = job.progress.percent / 10
      guard step != lastStep || tenth != lastTenth else { return }
      (lastStep, lastTenth) = (step, tenth)
      console.note(ProgressText.line(job))
    }
  }

  /// Takes the bar away, so that the last word stands where it was.
  func clear() {
    guard style == .bar else { return }
    console.draw("\r\u{1B}[K")
  }
}
