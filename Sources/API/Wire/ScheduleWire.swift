import Model
import Operations

/// A backup schedule as its lists show it.
struct ScheduleWire: Encodable {
  /// Its last turn.
  struct Run: Encodable {
    let dueAt: String
    let at: String
    let outcome: ScheduleOutcome
    @NullWhenNil var jobId: String?
    /// Where the job stands; null when there is none.
    @NullWhenNil var status: OperationStatus?
    /// The code of the gate that was closed.
    @NullWhenNil var code: String?
    /// What the gate said.
    @NullWhenNil var reason: String?

    init(_ run: ScheduleRun, _ job: Job?) {
      dueAt = run.dueAt.text
      at = run.at.text
      outcome = run.outcome
      jobId = run.jobID?.text
      status = job.map { OperationStatus($0.state) }
      code = run.code ?? job?.failure.flatMap { job?.state == .failed ? $0.code.rawValue : nil }
      reason = run.reason ?? job?.failure.flatMap { job?.state == .failed ? $0.detail : nil }
    }
  }

  let id: String
  @NullWhenNil var name: String?
  let frequency: ScheduleFrequency
  let time: String
  /// The day in one word: of the week by its name, of the month by its number.
  @NullWhenNil var daySpecifier: String?
  let hour: Int
  @NullWhenNil var dayOfWeek: Int?
  @NullWhenNil var dayOfMonth: Int?
  let retentionCount: Int
  let enabled: Bool
  @NullWhenNil var nextRunAt: String?
  @NullWhenNil var lastRun: Run?

  init(_ view: ScheduleView) {
    let schedule = view.schedule
    let timing = schedule.timing
    id = schedule.id.text
    name = schedule.name
    frequency = timing.frequency
    time = timing.time
    daySpecifier = timing.daySpecifier
    hour = timing.hour
    dayOfWeek = timing.dayOfWeek
    dayOfMonth = timing.dayOfMonth
    retentionCount = schedule.retentionCount
    enabled = schedule.isEnabled
    nextRunAt = schedule.isEnabled ? schedule.attemptAt.text : nil
    lastRun = schedule.lastRun.map { Run($0, view.lastJob) }
  }
}

/// A VPS's schedules.
struct ScheduleListWire: Encodable {
  let schedules: [ScheduleWire]

  init(_ views: [ScheduleView]) {
    schedules = views.map(ScheduleWire.init)
  }
}
