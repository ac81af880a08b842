package import Model

/// The body of `POST /api/v2/vps/{id}/backup-schedules`.
package struct CreateScheduleBody: RequestFields, Equatable {
  /// How often.
  package let frequency: ScheduleFrequency
  /// The hour in UTC.
  package let hour: Int
  /// The day of a weekly one.
  package let dayOfWeek: Int?
  /// The day of a monthly one.
  package let dayOfMonth: Int?
  /// How many complete backups are kept.
  package let retentionCount: Int
  /// Whether it runs at all.
  package let enabled: Bool
  /// The client's own name for it; nil: none.
  package let name: String?

  package init(_ fields: inout BodyFields) {
    let frequency: ScheduleFrequency? = fields.word("frequency")
    hour = fields.integer("hour", in: ScheduleTiming.hours)
    dayOfWeek = fields.optionalInteger("dayOfWeek", in: ScheduleTiming.daysOfWeek)
    dayOfMonth = fields.optionalInteger("dayOfMonth", in: ScheduleTiming.daysOfMonth)
    retentionCount = fields.integer("retentionCount", in: Limits.retentionCounts)
    enabled = fields.optionalBoolean("enabled") ?? true
    name = fields.optionalText("name", characters: Limits.nameCharacters)
    // Without a frequency nobody can tell which day belongs to it.
    if let frequency {
      fields.add(
        ScheduleTiming.faults(
          frequency,
          hasDayOfWeek: fields.hasValue("dayOfWeek"),
          hasDayOfMonth: fields.hasValue("dayOfMonth")
        )
      )
    }
    self.frequency = frequency ?? .daily
  }
}

/// The body of `PATCH /api/v2/vps/{id}/backup-schedules/{scheduleId}`: what isn't there stays, and a
/// null takes away what can be taken away.
package struct EditScheduleBody: RequestFields, Equatable {
  /// How often.
  package let frequency: ScheduleFrequency?
  /// The hour in UTC.
  package let hour: Int?
  /// The day of a weekly one.
  package let dayOfWeek: Int??
  /// The day of a monthly one.
  package let dayOfMonth: Int??
  /// How many complete backups are kept.
  package let retentionCount: Int?
  /// Whether it runs at all.
  package let enabled: Bool?
  /// The client's own name for it.
  package let name: String??

  package init(_ fields: inout BodyFields) {
    frequency = fields.optionalWord("frequency")
    hour = fields.optionalInteger("hour", in: ScheduleTiming.hours)
    let dayOfWeek = fields.optionalInteger("dayOfWeek", in: ScheduleTiming.daysOfWeek)
    self.dayOfWeek = fields.has("dayOfWeek") ? .some(dayOfWeek) : nil
    let dayOfMonth = fields.optionalInteger("dayOfMonth", in: ScheduleTiming.daysOfMonth)
    self.dayOfMonth = fields.has("dayOfMonth") ? .some(dayOfMonth) : nil
    retentionCount = fields.optionalInteger("retentionCount", in: Limits.retentionCounts)
    enabled = fields.optionalBoolean("enabled")
    let name = fields.optionalText("name", characters: Limits.nameCharacters)
    self.name = fields.has("name") ? .some(name) : nil
  }
}
