import Foundation
import Model
import Testing

@Suite struct ScheduleTimingTests {
  private static func timing(
    _ frequency: ScheduleFrequency,
    hour: Int = 3,
    dayOfWeek: Int? = nil,
    dayOfMonth: Int? = nil
  ) throws -> ScheduleTiming {
    try ScheduleTiming(
      frequency: frequency,
      hour: hour,
      dayOfWeek: dayOfWeek,
      dayOfMonth: dayOfMonth
    )
  }

  struct Row: Sendable {
    var frequency: ScheduleFrequency
    var hour = 3
    var dayOfWeek: Int?
    var dayOfMonth: Int?
    var after: String
    var next: String
  }

  static let rows = [
    Row(frequency: .daily, after: "2026-04-27T02:59:59Z", next: "2026-04-27T03:00:00Z"),
    // A turn at the very moment is over: the next one is a day later.
    Row(frequency: .daily, after: "2026-04-27T03:00:00Z", next: "2026-04-28T03:00:00Z"),
    Row(frequency: .daily, hour: 0, after: "2026-12-31T23:59:59Z", next: "2027-01-01T00:00:00Z"),
    // 2026-04-27 is a Monday.
    Row(
      frequency: .weekly,
      dayOfWeek: 1,
      after: "2026-04-27T00:00:00Z",
      next: "2026-04-27T03:00:00Z"
    ),
    Row(
      frequency: .weekly,
      dayOfWeek: 1,
      after: "2026-04-27T03:00:00Z",
      next: "2026-05-04T03:00:00Z"
    ),
    Row(
      frequency: .weekly,
      dayOfWeek: 0,
      after: "2026-04-27T12:00:00Z",
      next: "2026-05-03T03:00:00Z"
    ),
    Row(
      frequency: .weekly,
      dayOfWeek: 6,
      after: "2026-04-27T12:00:00Z",
      next: "2026-05-02T03:00:00Z"
    ),
    // A month without the day: its last.
    Row(
      frequency: .monthly,
      dayOfMonth: 31,
      after: "2026-02-01T00:00:00Z",
      next: "2026-02-28T03:00:00Z"
    ),
    Row(
      frequency: .monthly,
      dayOfMonth: 31,
      after: "2028-02-01T00:00:00Z",
      next: "2028-02-29T03:00:00Z"
    ),
    Row(
      frequency: .monthly,
      dayOfMonth: 31,
      after: "2026-04-30T03:00:00Z",
      next: "2026-05-31T03:00:00Z"
    ),
    Row(
      frequency: .monthly,
      dayOfMonth: 29,
      after: "2100-02-28T00:00:00Z",
      next: "2100-02-28T03:00:00Z"
    ),
    Row(
      frequency: .monthly,
      dayOfMonth: 1,
      after: "2026-12-15T00:00:00Z",
      next: "2027-01-01T03:00:00Z"
    ),
  ]

  @Test(arguments: rows) func `the next turn is the first after a moment`(_ row: Row) throws {
    let timing = try Self.timing(
      row.frequency,
      hour: row.hour,
      dayOfWeek: row.dayOfWeek,
      dayOfMonth: row.dayOfMonth
    )
    let after = try #require(Timestamp(row.after))
    #expect(timing.next(after: after) == Timestamp(row.next), "\(timing.next(after: after))")
  }

  @Test func `turns agree with the system's calendar over many years`() throws {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = try #require(TimeZone(secondsFromGMT: 0))
    let weekly = try Self.timing(.weekly, hour: 5, dayOfWeek: 4)
    let monthly = try Self.timing(.monthly, hour: 23, dayOfMonth: 31)
    var time = try #require(Timestamp("1999-12-31T22:00:00Z"))
    for _ in 0..<700 {
      let week = weekly.next(after: time)
      let month = monthly.next(after: time)
      for turn in [week, month] { #expect(time < turn) }
      let weekDate = Date(timeIntervalSince1970: TimeInterval(week.seconds))
      let monthDate = Date(timeIntervalSince1970: TimeInterval(month.seconds))
      #expect(calendar.component(.weekday, from: weekDate) == 5)
      #expect(calendar.component(.hour, from: weekDate) == 5)
      let days = try #require(calendar.range(of: .day, in: .month, for: monthDate))
      #expect(calendar.component(.day, from: monthDate) == days.count)
      time = month
    }
  }

  @Test func `days go with their frequency only`() {
    let faults: (ScheduleFrequency, Int?, Int?) -> [String] = { frequency, week, month in
      do throws(Refusal) {
        _ = try ScheduleTiming(
          frequency: frequency,
          hour: 3,
          dayOfWeek: week,
          dayOfMonth: month
        )
        return []
      } catch {
        guard case .invalidRequest(let faults) = error else { return ["?"] }
        return faults.map { "\($0.pointer) \($0.code.rawValue)" }
      }
    }
    #expect(faults(.daily, nil, nil).isEmpty)
    #expect(faults(.daily, 1, 1) == ["/dayOfWeek invalid_value", "/dayOfMonth invalid_value"])
    #expect(faults(.weekly, nil, nil) == ["/dayOfWeek missing_required"])
    #expect(faults(.weekly, 7, nil) == ["/dayOfWeek invalid_value"])
    #expect(faults(.monthly, nil, 0) == ["/dayOfMonth invalid_value"])
    #expect(
      faults(.monthly, 1, nil) == ["/dayOfWeek invalid_value", "/dayOfMonth missing_required"]
    )
  }
}
