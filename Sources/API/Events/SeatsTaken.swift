import Model

/// As many streams are open as there may be.
struct SeatsTaken: Error, Equatable {
  /// How many there may be.
  let limit: Int

  /// Refuses one more than `limit`.
  static func check(_ taken: Int, _ limit: Int) throws(SeatsTaken) {
    if taken >= limit { throw SeatsTaken(limit: limit) }
  }

  /// Where its caller stands, as answers tell it: streams are counted here, not requests.
  func standing(at now: Timestamp) -> RateStanding {
    RateStanding(
      limit: limit,
      remaining: 0,
      reset: now.advanced(by: Limits.eventSeatRetry),
      retryAfterSeconds: Int(Limits.eventSeatRetry.components.seconds)
    )
  }
}
