import CLinux
import Disks
import Model
import TestSupport
import Testing

struct RateLimiterTests {
  private let clock = ManualClock()

  @Test func `Without a rate everything passes at once`() async {
    let limiter = RateLimiter(clock: clock.timer)
    for _ in 0..<100 { await limiter.spend(1 << 40) }
    #expect(limiter.bytesPerSecond == nil)
  }

  @Test func `Bytes pass at the rate, in the order of asking`() async {
    let limiter = RateLimiter(bytesPerSecond: 1000, clock: clock.timer)
    let start = clock.now()
    let clock = clock
    let ended = await withTaskGroup(of: Int64.self) { group in
      group.addTask {
        for _ in 0..<11 { await limiter.spend(1000) }
        return clock.now().milliseconds - start.milliseconds
      }
      return await moving(group: &group)
    }
    // The eleventh begins when ten thousand bytes have passed.
    #expect(ended.allSatisfy { (10_000...10_250).contains($0) }, "\(ended)")
  }

  @Test func `Several at once share the rate`() async {
    let limiter = RateLimiter(bytesPerSecond: 1000, clock: clock.timer)
    let start = clock.now()
    let clock = clock
    let ended = await withTaskGroup(of: Int64.self) { group in
      for _ in 0..<4 {
        group.addTask {
          for _ in 0..<5 { await limiter.spend(500) }
          return clock.now().milliseconds - start.milliseconds
        }
      }
      return await moving(group: &group)
    }
    #expect((9_500...9_750).contains(ended.max() ?? 0), "\(ended)")
  }

  @Test func `A new rate reaches those who wait`() async {
    let limiter = RateLimiter(bytesPerSecond: 1, clock: clock.timer)
    await limiter.spend(1 << 20)
    let clock = clock
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await limiter.spend(1) }
      await clock.whenSleeping(1)
      limiter.setRate(nil)
      clock.advance(by: .milliseconds(200))
      await group.waitForAll()
    }
    limiter.setRate(10)
    #expect(limiter.bytesPerSecond == 10)
  }

  @Test func `A quiet time saves up a quarter of a second and no more`() async {
    let limiter = RateLimiter(bytesPerSecond: 1000, clock: clock.timer)
    clock.advance(by: .seconds(3600))
    let start = clock.now()
    let clock = clock
    let ended = await withTaskGroup(of: Int64.self) { group in
      group.addTask {
        for _ in 0..<3 { await limiter.spend(1000) }
        return clock.now().milliseconds - start.milliseconds
      }
      return await moving(group: &group)
    }
    #expect(ended.allSatisfy { (1_750...2_000).contains($0) }, "\(ended)")
  }

  @Test func `A cancelled task waits no longer`() async {
    let limiter = RateLimiter(bytesPerSecond: 1, clock: clock.timer)
    await limiter.spend(1 << 30)
    let clock = clock
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await limiter.spend(1) }
      await clock.whenSleeping(1)
      group.cancelAll()
    }
  }

  @Test func `A call runs at the priority of its moment, and the thread is given back as it was`()
    async
  {
    let priority = ThreadPriority(.idle)
    let threads = BlockingExecutor(label: "test", width: 1, priority: priority)
    #expect(await threads.run { rehome_current_io_priority() } >> 13 == 3)
    priority.set(.low)
    #expect(await threads.run { rehome_current_io_priority() } == 2 << 13 | 7)
    priority.set(.normal)
    let normal = await threads.run { rehome_current_io_priority() }
    #expect(![2 << 13 | 7, 3 << 13].contains(normal))
  }

  /// Moves the time on in small steps whenever somebody waits for it, until all have ended.
  private func moving(group: inout TaskGroup<Int64>) async -> [Int64] {
    let clock = clock
    return await withTaskGroup(of: Void.self) { mover in
      mover.addTask {
        while !Task.isCancelled {
          await clock.whenSleeping(1)
          clock.advance(by: .milliseconds(10))
          await Task.yield()
        }
      }
      var ended: [Int64] = []
      for await one in group { ended.append(one) }
      mover.cancelAll()
      return ended
    }
  }
}
