/// How often a schedule runs.
///
/// Stored and on the wire: append only.
package enum ScheduleFrequency: String, Sendable, Codable, CaseIterable {
  case daily, weekly, monthly
}

/// At which moments a schedule runs; all in UTC, so that no clock change makes a run twice or never.
package struct ScheduleTiming: Sendable, Equatable {
  /// The hours of a day.
  package static let hours = 0...23
  /// The days of a week; 0 is Sunday.
  package static let daysOfWeek = 0...6
  /// The days of a month; one that a month doesn't have means its last.
  package static let daysOfMonth = 1...31

  /// How often.
  package let frequency: ScheduleFrequency
  /// The hour it runs at.
  package let hour: Int
  /// The day of a weekly one; nil for others.
  package let dayOfWeek: Int?
  /// The day of a monthly one; nil for others.
  package let dayOfMonth: Int?

  /// Makes a timing; every field that doesn't fit is told.
  package init(
    frequency: ScheduleFrequency,
    hour: Int,
    dayOfWeek: Int? = nil,
    dayOfMonth: Int? = nil
  ) throws(Refusal) {
    var faults = Self.faults(
      frequency,
      hasDayOfWeek: dayOfWeek != nil,
      hasDayOfMonth: dayOfMonth != nil
    )
    let fields: [(name: String, value: Int?, range: ClosedRange<Int>)] = [
      ("hour", hour, Self.hours), ("dayOfWeek", dayOfWeek, Self.daysOfWeek),
      ("dayOfMonth", dayOfMonth, Self.daysOfMonth),
    ]
    for (name, value, range) in fields {
      guard let value, !range.contains(value) else { continue }
      faults.append(
        Fault(
          pointer: "/\(name)",
          code: .invalidValue,
          detail: "`\(name)` must be from \(range.lowerBound) to \(range.upperBound)."
        )
      )
    }
    guard faults.isEmpty else { throw .invalidRequest(faults) }
    self.frequency = frequency
    self.hour = hour
    self.dayOfWeek = dayOfWeek
    self.dayOfMonth = dayOfMonth
  }

  /// What is wrong with the days that are given, or not, beside a frequency.
  package static func faults(
    _ frequency: ScheduleFrequency,
    hasDayOfWeek: Bool,
    hasDayOfMonth: Bool
  ) -> [Fault] {
    let days = [
      (name: "dayOfWeek", belongsTo: ScheduleFrequency.weekly, isThere: hasDayOfWeek),
      (name: "dayOfMonth", belongsTo: ScheduleFrequency.monthly, isThere: hasDayOfMonth),
    ]
    return days.compactMap { day in
      switch (day.isThere, frequency == day.belongsTo) {
      case (true, true), (false, false):
        return nil
      case (false, true):
        return Fault(
          pointer: "/\(day.name)",
          code: .missingRequired,
          detail: "`\(day.name)` is required when `frequency` is `\(frequency.rawValue)`."
        )
      case (true, false):
        return Fault(
          pointer: "/\(day.name)",
          code: .invalidValue,
          detail: "`\(day.name)` is for a `frequency` of `\(day.belongsTo.rawValue)` only."
        )
      }
    }
  }
}

extension ScheduleTiming {
  /// The first moment to run that is later than another moment.
  package func next(after time: Timestamp) -> Timestamp {
    let today = CivilDay(of: time)
    switch frequency {
    case .daily:
      return first(after: time, today, today.advanced(by: 1))
    case .weekly:
      let ahead = ((dayOfWeek ?? 0) - today.dayOfWeek + 7) % 7
      return first(after: time, today.advanced(by: ahead), today.advanced(by: ahead + 7))
    case .monthly:
      let (year, month) = (today.year, today.month)
      let following = month == 12 ? (year + 1, 1) : (year, month + 1)
      return first(after: time, day(of: year, month), day(of: following.0, following.1))
    }
  }

  private func first(after time: Timestamp, _ this: CivilDay, _ next: CivilDay) -> Timestamp {
    let moment = this.start(ofHour: hour)
    return time < moment ? moment : next.start(ofHour: hour)
  }

  private func day(of year: Int64, _ month: Int64) -> CivilDay {
    let length = CivilDay.length(ofMonth: month, in: year)
    return CivilDay(year: year, month: month, day: min(Int64(dayOfMonth ?? 1), length))
  }
}

extension ScheduleTiming {
  private static let dayNames = [
    "sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday",
  ]

  /// The time of day in UTC, such as `03:00`.
  package var time: String { "\(hour < 10 ? "0" : "")\(hour):00" }

  /// The day in one word, such as `monday` or `31`; nil for a daily one.
  package var daySpecifier: String? {
    switch frequency {
    case .daily: nil
    case .weekly: Self.dayNames[dayOfWeek ?? 0]
    case .monthly: "\(dayOfMonth ?? 1)"
    }
  }
}
