import Catalog
import Disks
import Foundation
import Model

/// What a job's journal holds, decoded: the latest row of each step and phase.
struct RestoreJournal {
  private(set) var summary = JournalSummary()
  private(set) var stage: StageRecord?
  /// The undo logs that attempts have made, in place.
  private(set) var logs: Set<String> = []
  private(set) var staged: StagedRecord?
  private(set) var stop: StopRecord?
  /// What the target's firmware had stored when it was stopped.
  private(set) var nvram: KeptNVRAM?
  private(set) var swap: SwapRecord?
  /// Disks that were written over, as they were when that was done.
  private(set) var written: [String: FileIdentity]?
  private(set) var stopBegunAt: Timestamp?
  private(set) var stopMilliseconds: Int64 = 0
  private(set) var swapMilliseconds: Int64 = 0
  /// Whether an attempt may have started the target paused, for somebody to let it run.
  private(set) var startsPaused = false
  private(set) var startMilliseconds: Int64 = 0
  private(set) var confirm: ConfirmRecord?

  init() {}

  init(_ rows: [JobStep]) {
    for row in rows {
      guard let step = RestoreStep(rawValue: row.name) else { continue }
      add(step, row.phase, row.detail, at: row.at)
    }
  }

  /// Takes a row into account, the moment it is durable.
  mutating func add(_ step: RestoreStep, _ phase: StepPhase, _ detail: String, at: Timestamp) {
    switch phase {
    case .begun: summary.begun.insert(step)
    case .done: summary.done.insert(step)
    case .failed: break
    }
    switch (step, phase) {
    case (.check, .begun):
      // A new start: what an earlier attempt staged counts no more.
      summary = JournalSummary(begun: [.check])
      startsPaused = false
      nvram = nil
      written = nil
    case (.stage, .begun):
      stage = Self.decode(detail) ?? stage
      if let stage, stage.isInPlace == true { logs.formUnion(stage.disks.map(\.stagedPath)) }
    case (.stage, .done): staged = Self.decode(detail)
    case (.stop, .begun):
      stop = Self.decode(detail) ?? stop
      stopBegunAt = stopBegunAt ?? at
    case (.stop, .done):
      stopMilliseconds = milliseconds(detail)
      let record: StoppedRecord? = Self.decode(detail)
      nvram = record?.nvram
    case (.swap, .begun): swap = Self.decode(detail) ?? swap
    case (.swap, .done):
      swapMilliseconds = milliseconds(detail)
      let record: WrittenRecord? = Self.decode(detail)
      written = record?.written
    case (.start, .begun):
      let record: StartRecord? = Self.decode(detail)
      if record?.isPaused == true { startsPaused = true }
    case (.start, .done): startMilliseconds = milliseconds(detail)
    case (.confirm, .done): confirm = Self.decode(detail)
    case (.rollback, .begun), (.discard, .begun):
      let record: TurnBackRecord? = Self.decode(detail)
      summary.cause = record?.cause ?? summary.cause
    default: break
    }
  }

  var downtime: Downtime {
    Downtime(
      shutdownMilliseconds: stopMilliseconds,
      exchangeMilliseconds: swapMilliseconds,
      startMilliseconds: startMilliseconds
    )
  }

  private func milliseconds(_ detail: String) -> Int64 {
    let record: TimedRecord? = Self.decode(detail)
    return record?.milliseconds ?? 0
  }

  /// A row that can't be decoded is one that a crash left without detail: nil.
  static func decode<Record: Decodable>(_ detail: String) -> Record? {
    try? JSONDecoder().decode(Record.self, from: Data(detail.utf8))
  }
}
