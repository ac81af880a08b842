import Catalog
package import Model

/// A backup schedule as somebody asks for it.
package struct ScheduleRequest: Sendable, Equatable {
  /// The client's own name for it; nil: none.
  package var name: String?
  /// When it runs.
  package var timing: ScheduleTiming
  /// How many complete backups are kept.
  package var retentionCount: Int
  /// Whether it runs at all.
  package var isEnabled: Bool

  /// Makes a request.
  package init(name: String?, timing: ScheduleTiming, retentionCount: Int, isEnabled: Bool) {
    self.name = name
    self.timing = timing
    self.retentionCount = retentionCount
    self.isEnabled = isEnabled
  }
}

/// What is changed of a schedule; nil leaves a value as it is, an inner nil takes it away.
package struct ScheduleChanges: Sendable, Equatable {
  /// The client's own name for it.
  package var name: String??
  /// How often it runs; the day of the former frequency goes with it.
  package var frequency: ScheduleFrequency?
  /// The hour it runs at.
  package var hour: Int?
  /// The day of a weekly one.
  package var dayOfWeek: Int??
  /// The day of a monthly one.
  package var dayOfMonth: Int??
  /// How many complete backups are kept.
  package var retentionCount: Int?
  /// Whether it runs at all.
  package var isEnabled: Bool?

  /// Makes changes.
  package init(
    name: String?? = nil,
    frequency: ScheduleFrequency? = nil,
    hour: Int? = nil,
    dayOfWeek: Int?? = nil,
    dayOfMonth: Int?? = nil,
    retentionCount: Int? = nil,
    isEnabled: Bool? = nil
  ) {
    self.name = name
    self.frequency = frequency
    self.hour = hour
    self.dayOfWeek = dayOfWeek
    self.dayOfMonth = dayOfMonth
    self.retentionCount = retentionCount
    self.isEnabled = isEnabled
  }

  /// The timing that they make of another.
  fileprivate func timing(from old: ScheduleTiming) throws(Refusal) -> ScheduleTiming {
    let frequency = frequency ?? old.frequency
    return try ScheduleTiming(
      frequency: frequency,
      hour: hour ?? old.hour,
      dayOfWeek: dayOfWeek ?? (frequency == .weekly ? old.dayOfWeek : nil),
      dayOfMonth: dayOfMonth ?? (frequency == .monthly ? old.dayOfMonth : nil)
    )
  }
}

/// A schedule with the job of its last turn.
package struct ScheduleView: Sendable, Equatable {
  /// The schedule.
  package var schedule: BackupSchedule
  /// The job that its last turn began; nil when it began none.
  package var lastJob: Job?

  /// Makes a view.
  package init(schedule: BackupSchedule, lastJob: Job?) {
    self.schedule = schedule
    self.lastJob = lastJob
  }
}

extension Operations {
  /// A VPS's schedules, the oldest first.
  package func schedules(
    _ caller: Caller,
    of id: String
  ) async throws(Refusal) -> [ScheduleView] {
    try caller.require(.readVM)
    return try await read { transaction in
      let vps = try self.find(id, for: caller, transaction)
      return try transaction.schedules(of: vps.id).map { try self.view(of: $0, transaction) }
    }
  }

  /// Adds a schedule to a VPS.
  package func addSchedule(
    _ caller: Caller,
    of id: String,
    _ request: ScheduleRequest
  ) throws(Refusal) -> Change<ScheduleView> {
    try caller.require(.writeVM)
    try Self.check(name: request.name, retentionCount: request.retentionCount)
    return Change { transaction in
      let vps = try self.findLive(id, for: caller, transaction)
      guard try transaction.schedules(of: vps.id).count < Limits.schedulesPerVPS else {
        throw Refusal.tooManySchedules
      }
      let schedule = BackupSchedule(
        id: self.identifiers.make(),
        clientID: vps.clientID,
        vpsID: vps.id,
        name: request.name,
        timing: request.timing,
        retentionCount: request.retentionCount,
        isEnabled: request.isEnabled,
        createdAt: self.clock.now()
      )
      try transaction.insert(schedule)
      try transaction.append(
        self.audit(caller, "schedule.add", vps.id.text, detail: schedule.id.text)
      )
      return ScheduleView(schedule: schedule, lastJob: nil)
    }
  }

  /// Changes a schedule; a new timing, or being enabled again, begins with the next regular turn.
  package func editSchedule(
    _ caller: Caller,
    _ scheduleID: String,
    of id: String,
    _ changes: ScheduleChanges
  ) async throws(Refusal) -> ScheduleView {
    try caller.require(.writeVM)
    // What is wrong by itself is told before anything is looked for.
    try Self.check(name: changes.name ?? nil, retentionCount: changes.retentionCount ?? 1)
    return try await write { transaction in
      var schedule = try self.findSchedule(scheduleID, of: id, for: caller, transaction)
      let former = schedule
      if let name = changes.name { schedule.name = name }
      schedule.timing = try changes.timing(from: schedule.timing)
      schedule.retentionCount = changes.retentionCount ?? schedule.retentionCount
      schedule.isEnabled = changes.isEnabled ?? schedule.isEnabled
      if schedule.timing != former.timing || schedule.isEnabled && !former.isEnabled {
        schedule.awaitTurn(after: self.clock.now())
      }
      guard try transaction.update(schedule, expectingAttemptAt: former.attemptAt) else {
        throw Refusal.serviceUnavailable(retryAfterSeconds: 1)
      }
      try transaction.append(
        self.audit(caller, "schedule.edit", schedule.vpsID.text, detail: schedule.id.text)
      )
      return try self.view(of: schedule, transaction)
    }
  }

  /// Removes a schedule; its backups stay until somebody deletes them.
  package func removeSchedule(
    _ caller: Caller,
    _ scheduleID: String,
    of id: String
  ) async throws(Refusal) {
    try caller.require(.writeVM)
    try await write { transaction in
      let schedule = try self.findSchedule(scheduleID, of: id, for: caller, transaction)
      try transaction.deleteSchedule(schedule.id)
      try transaction.append(
        self.audit(caller, "schedule.remove", schedule.vpsID.text, detail: schedule.id.text)
      )
    }
  }

  private func findLive(
    _ id: String,
    for caller: Caller,
    _ transaction: any CatalogTransaction
  ) throws -> VPS {
    let vps = try find(id, for: caller, transaction)
    guard vps.serviceStatus != .terminated else { throw Refusal.notFound }
    return vps
  }

  private func findSchedule(
    _ text: String,
    of id: String,
    for caller: Caller,
    _ transaction: any CatalogTransaction
  ) throws -> BackupSchedule {
    let vps = try findLive(id, for: caller, transaction)
    guard let scheduleID = ScheduleID(text), let schedule = try transaction.schedule(scheduleID),
      schedule.vpsID == vps.id
    else { throw Refusal.notFound }
    return schedule
  }

  private func view(
    of schedule: BackupSchedule,
    _ transaction: any CatalogTransaction
  ) throws -> ScheduleView {
    ScheduleView(
      schedule: schedule,
      lastJob: try schedule.lastRun?.jobID.flatMap { try transaction.job($0) }
    )
  }

  private static func check(name: String?, retentionCount: Int) throws(Refusal) {
    if let name { try checkName(name, pointer: "/name") }
    let counts = Limits.retentionCounts
    guard counts.contains(retentionCount) else {
      throw .taken(
        "/retentionCount",
        "`retentionCount` must be from \(counts.lowerBound) to \(counts.upperBound)."
      )
    }
  }
}

extension Refusal {
  /// One schedule more than a VPS may have.
  static let tooManySchedules = Refusal.taken(
    "",
    "A VPS has at most \(Limits.schedulesPerVPS) backup schedules. Remove one first."
  )
}
