import Model
import Testing

@testable import Jobs

struct AttemptPolicyTests {
  @Test(arguments: [
    (1, 1), (2, 2), (3, 4), (4, 8), (6, 32), (7, 60), (8, 60), (1000, 60),
  ])
  func `the wait doubles up to its bound`(_ attempt: Int, _ seconds: Int) {
    #expect(RetryDelay().after(attempt: attempt) == .seconds(seconds))
  }

  @Test(arguments: [
    // attempt, last, past all, retry when nothing is begun, retry when something is
    (1, false, false, true, true),
    (2, false, false, true, true),
    (3, true, false, false, true),
    (5, true, false, false, true),
    (6, true, false, false, false),
    (7, true, true, false, false),
  ])
  func `three attempts have three more for what is begun`(
    _ attempt: Int,
    _ isLast: Bool,
    _ isPastAll: Bool,
    _ mayRetry: Bool,
    _ mayRetryBegun: Bool
  ) {
    let policy = AttemptPolicy(attempts: 3, delay: RetryDelay())
    #expect(policy.isLast(attempt) == isLast)
    #expect(policy.isPastAll(attempt) == isPastAll)
    #expect(policy.mayRetry(after: attempt, hasBegun: false) == mayRetry)
    #expect(policy.mayRetry(after: attempt, hasBegun: true) == mayRetryBegun)
  }
}

struct ProgressMeterTests {
  private let start = Timestamp(milliseconds: 0)

  @Test func `the percentage never goes back and stays within its bounds`() {
    var meter = ProgressMeter(JobProgress(percent: 10))
    let shown = [5, 30, 20, 400, -1].map { percent in
      meter.take(JobProgress(step: "read", percent: percent), at: start)
      return meter.current.percent
    }
    #expect(shown == [10, 30, 30, 100, 100])
  }

  @Test func `only what is new is stored`() {
    var meter = ProgressMeter(JobProgress())
    #expect(meter.next() == nil)
    meter.take(JobProgress(step: "read", percent: 1), at: start)
    meter.take(JobProgress(step: "read", percent: 2), at: start)
    #expect(meter.next()?.percent == 2)
    #expect(meter.next() == nil)
    #expect(meter.last(isCompleted: false) == nil)
    #expect(meter.last(isCompleted: true)?.percent == 100)
  }

  @Test func `the rate is that of the last seconds of the step`() {
    var meter = ProgressMeter(JobProgress())
    func take(_ step: String, _ bytes: Int64, at milliseconds: Int64) -> Int64 {
      meter.take(
        JobProgress(step: step, bytesDone: bytes, bytesTotal: 1_000_000),
        at: Timestamp(milliseconds: milliseconds)
      )
      return meter.current.bytesPerSecond
    }
    #expect(take("read", 0, at: 0) == 0)
    #expect(take("read", 100, at: 1000) == 100)
    #expect(take("read", 300, at: 2000) == 150)
    for second in 3...20 {
      _ = take("read", 300 + Int64(second - 2) * 1000, at: Int64(second) * 1000)
    }
    #expect(meter.current.bytesPerSecond == 1000)
    #expect(take("verify", 5, at: 21_000) == 0)
    #expect(take("verify", 505, at: 21_500) == 1000)
  }

  @Test func `a rate that the handler knows is taken as it is`() {
    var meter = ProgressMeter(JobProgress())
    meter.take(JobProgress(step: "read", bytesDone: 9, bytesPerSecond: 77), at: start)
    #expect(meter.current.bytesPerSecond == 77)
  }
}
