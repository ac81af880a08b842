import Model
import Synchronization
import TestSupport
import Testing

@testable import Backup

/// How reading ends when its session must be given up.
@Suite(.timeLimit(.minutes(1)))
struct ReadUnderWatchTests {
  private static let damage = BackupStop.because(.internalError, "cut")

  /// A reader that doesn't hear of its cancellation, as one that waits in the kernel.
  private final class DeafReader: Sendable {
    private let waiting = Mutex<CheckedContinuation<Void, Never>?>(nil)
    let isWaiting = Mutex(false)

    func read() async throws(BackupStop) -> Int {
      await withCheckedContinuation { continuation in
        waiting.withLock { $0 = continuation }
        isWaiting.withLock { $0 = true }
      }
      throw damage
    }

    func cut() { waiting.withLock { $0.take() }?.resume() }

    func whenWaiting() async {
      while !isWaiting.withLock({ $0 }) { await Task.yield() }
    }
  }

  @Test func `a reader that doesn't let go has its line cut, and doesn't hold up the end`()
    async throws
  {
    let reader = DeafReader()
    let end = await ReadUnderWatch.run(
      patience: .milliseconds(50),
      untilFull: {
        await reader.whenWaiting()
        return true
      },
      giveUp: { reader.cut() },
      read: { () async throws(BackupStop) -> Int in try await reader.read() }
    )
    #expect(end.isFull)
    #expect(end.isGivenUp)
    #expect(throws: BackupStop.self) { try end.read.get() }
  }

  @Test func `a reader that lets go in time is all that is waited for`() async throws {
    let isGivenUp = Mutex(false)
    let begin = ContinuousClock.now
    let end = await ReadUnderWatch.run(
      patience: .seconds(3600),
      untilFull: { true },
      giveUp: { isGivenUp.withLock { $0 = true } },
      read: { () async throws(BackupStop) -> Int in
        while !Task.isCancelled { await Task.yield() }
        throw Self.damage
      }
    )
    #expect(end.isFull)
    #expect(!end.isGivenUp)
    #expect(!isGivenUp.withLock { $0 })
    #expect(begin.duration(to: .now) < .seconds(50))
  }

  @Test func `what is read whole ends the watch`() async throws {
    let end = await ReadUnderWatch.run(
      patience: .zero,
      untilFull: {
        while !Task.isCancelled { await Task.yield() }
        return false
      },
      giveUp: {},
      read: { () async throws(BackupStop) -> Int in 7 }
    )
    #expect(!end.isFull)
    #expect(try end.read.get() == 7)
  }
}
