import Model
import Testing

@testable import Care

struct CareScheduleTests {
  private static let now = Timestamp(seconds: 1_000_000)
  private let schedule = CareSchedule(
    collectEvery: .seconds(86_400),
    verifyEvery: .seconds(30 * 86_400)
  )

  private func task(_ state: StoreTaskState, ended secondsAgo: Double) -> StoreTask {
    StoreTask(
      node: "local",
      kind: .collect,
      actor: "a",
      state: state,
      createdAt: Self.now.advanced(by: .seconds(-200_000)),
      finishedAt: state.isFinal ? Self.now.advanced(by: .seconds(-secondsAgo)) : nil
    )
  }

  @Test(arguments: [
    (StoreTaskState.completed, 86_399.0, false), (.completed, 86_400, true),
    (.failed, 3599, false), (.failed, 3600, true),
    (.queued, 0, false), (.running, 0, false),
    // Written by a clock that was ahead.
    (.completed, -1, true),
  ])
  func `a collection is due a day after one, an hour after a failed one`(
    state: StoreTaskState,
    ended: Double,
    isDue: Bool
  ) {
    #expect(
      schedule.isCollectionDue(after: task(state, ended: ended), at: Self.now) == isDue
    )
  }

  @Test func `the first collection is due at once, and none without a schedule`() {
    #expect(schedule.isCollectionDue(after: nil, at: Self.now))
    let never = CareSchedule(collectEvery: nil, verifyEvery: nil)
    #expect(!never.isCollectionDue(after: nil, at: Self.now))
    #expect(never.verificationBoundary(after: nil, at: Self.now) == nil)
  }

  @Test(arguments: [
    (StoreTaskState.completed, 0.0, true), (.failed, 3599, false), (.failed, 3600, true),
    (.running, 0, false), (.queued, 0, false),
  ])
  func `backups are due thirty days after, unless a run isn't over or has just failed`(
    state: StoreTaskState,
    ended: Double,
    isDue: Bool
  ) {
    let boundary = schedule.verificationBoundary(
      after: task(state, ended: ended),
      at: Self.now
    )
    #expect(boundary == (isDue ? Self.now.advanced(by: .seconds(-30 * 86_400)) : nil))
  }
}
