import Model

extension Components {
  static let schedules: [Component] = [
    Component(
      "ScheduleList",
      .object(
        "A VPS's backup schedules.",
        [
          .always(
            "schedules",
            .list(
              "The oldest first.",
              of: .component("Schedule"),
              atMost: Limits.schedulesPerVPS
            )
          )
        ]
      )
    ),
    Component("Schedule", .object("Backups that are made by themselves.", scheduleFields)),
    Component(
      "ScheduleRun",
      .object(
        "The last turn of a schedule.",
        [
          .always("dueAt", .moment("When it was due.")),
          .always("at", .moment("When it was tried last.")),
          .always(
            "outcome",
            .words(
              "`postponed`: it is tried again while the hour lasts.",
              ["started", "postponed", "skipped"]
            )
          ),
          .always("jobId", .identifier("The backup's job.", JobIDKind.self).orNull),
          .always("status", operationStatus.orNull),
          .always("code", .text("What was in the way, as a stable word.").orNull),
          .always("reason", .text("The same in a sentence.").orNull),
        ]
      )
    ),
    Component(
      "CreateSchedule",
      .either(
        "A schedule to make.",
        ["CreateDailySchedule", "CreateWeeklySchedule", "CreateMonthlySchedule"].map(
          Schema.component
        )
      )
    ),
    creation("CreateDailySchedule", .daily),
    creation("CreateWeeklySchedule", .weekly, .always("dayOfWeek", dayOfWeek)),
    creation("CreateMonthlySchedule", .monthly, .always("dayOfMonth", dayOfMonth)),
    Component(
      "EditSchedule",
      .object(
        "What to change of a schedule.",
        [
          .maybe("frequency", .words("How often.", of: ScheduleFrequency.self).orNull),
          .maybe("hour", hour.orNull),
          .maybe("dayOfWeek", dayOfWeek.orNull),
          .maybe("dayOfMonth", dayOfMonth.orNull),
          .maybe("retentionCount", retentionCount.orNull),
          .maybe("enabled", .truth("Whether it runs.").orNull),
          .maybe("name", name.orNull),
        ]
      )
    ),
  ]

  /// A new schedule of one frequency, which decides what day it has.
  private static func creation(
    _ name: String,
    _ frequency: ScheduleFrequency,
    _ day: Schema.Field? = nil
  ) -> Component {
    let fields: [Schema.Field?] = [
      .always("frequency", .words("How often.", [frequency.rawValue])), .always("hour", hour), day,
      .always("retentionCount", retentionCount),
      .maybe("enabled", .truth("Whether it runs.", standard: true).orNull),
      .maybe("name", Self.name.orNull),
    ]
    return Component(name, .object("A \(frequency.rawValue) schedule.", fields.compactMap { $0 }))
  }

  private static let hour = Schema.integer("The hour in UTC.", from: 0, to: 23)
  private static let dayOfWeek = Schema.integer("Of a weekly one; 0 is Sunday.", from: 0, to: 6)
  private static let dayOfMonth = Schema.integer(
    "Of a monthly one; in a shorter month it is the last.",
    from: 1,
    to: 31
  )
  private static let retentionCount = Schema.integer(
    "How many complete backups are kept.",
    from: Limits.retentionCounts.lowerBound,
    to: Limits.retentionCounts.upperBound
  )
  private static let name = Schema.text(
    "Your own name for it, without control characters.",
    pattern: #"^[^\u0000-\u001F\u007F-\u009F]*$"#,
    length: 1...Limits.nameCharacters
  )

  private static let scheduleFields: [Schema.Field] = [
    .always("id", .identifier("The schedule.", ScheduleKind.self)),
    .always("name", name.orNull),
    .always("frequency", .words("How often.", of: ScheduleFrequency.self)),
    .always("time", .text("The time of day in UTC.", example: "03:00")),
    .always("daySpecifier", .text("The day in one word.", example: "sunday").orNull),
    .always("hour", hour),
    .always("dayOfWeek", dayOfWeek.orNull),
    .always("dayOfMonth", dayOfMonth.orNull),
    .always("retentionCount", retentionCount),
    .always("enabled", .truth("Whether it runs.")),
    .always("nextRunAt", .moment("When it runs next; null: it is disabled.").orNull),
    .always("lastRun", Schema.component("ScheduleRun").orNull),
  ]
}
