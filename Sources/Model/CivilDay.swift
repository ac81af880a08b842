/// A day of the Gregorian calendar in UTC, counted from 1970-01-01.
///
/// The arithmetic is the well-known one on eras of 400 years that begin in March, so that a leap day
/// is the last of its year; a calendar of the system's would bring time zones along.
struct CivilDay: Equatable {
  private static let millisecondsPerDay: Int64 = 86_400_000
  private static let daysPerEra: Int64 = 146_097

  /// Days since 1970-01-01.
  let number: Int64
  let year: Int64
  /// From 1.
  let month: Int64
  /// From 1.
  let day: Int64

  /// The day that a moment is in.
  init(of time: Timestamp) {
    self.init(number: Self.floorDivide(time.milliseconds, Self.millisecondsPerDay))
  }

  init(number: Int64) {
    self.number = number
    // From 0000-03-01.
    let shifted = number + 719_468
    let era = Self.floorDivide(shifted, Self.daysPerEra)
    let dayOfEra = shifted - era * Self.daysPerEra
    let yearOfEra =
      (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / (Self.daysPerEra - 1)) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    // March is 0.
    let place = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * place + 2) / 5 + 1
    month = place < 10 ? place + 3 : place - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }

  init(year: Int64, month: Int64, day: Int64) {
    let shiftedYear = month <= 2 ? year - 1 : year
    let era = Self.floorDivide(shiftedYear, 400)
    let yearOfEra = shiftedYear - era * 400
    let place = month > 2 ? month - 3 : month + 9
    let dayOfYear = (153 * place + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    self.init(number: era * Self.daysPerEra + dayOfEra - 719_468)
  }

  /// 0 is Sunday; 1970-01-01 was a Thursday.
  var dayOfWeek: Int {
    let shifted = number + 4
    return Int(shifted - Self.floorDivide(shifted, 7) * 7)
  }

  func advanced(by days: Int) -> CivilDay { CivilDay(number: number + Int64(days)) }

  /// The moment at which an hour of it begins.
  func start(ofHour hour: Int) -> Timestamp {
    Timestamp(milliseconds: number * Self.millisecondsPerDay + Int64(hour) * 3_600_000)
  }

  /// How many days a month has.
  static func length(ofMonth month: Int64, in year: Int64) -> Int64 {
    let next =
      month == 12
      ? CivilDay(year: year + 1, month: 1, day: 1) : .init(year: year, month: month + 1, day: 1)
    return next.number - CivilDay(year: year, month: month, day: 1).number
  }

  private static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
    value >= 0 ? value / divisor : -((-value + divisor - 1) / divisor)
  }
}
