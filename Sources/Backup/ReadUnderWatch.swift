import Jobs
import Model

/// Reads a session's disks until they are read or the session must be given up.
enum ReadUnderWatch {
  /// How reading ended.
  struct End<Value: Sendable>: Sendable {
    /// What it came to.
    let read: Result<Value, BackupStop>
    /// Whether the session was to be given up before that.
    let isFull: Bool
    /// Whether it has been, because reading didn't end in time.
    let isGivenUp: Bool
  }

  private enum Part<Value: Sendable>: Sendable {
    case read(Result<Value, BackupStop>)
    case full(isGivenUp: Bool)
    case unneeded
  }

  /// Does `read`, and cancels it when `untilFull` says so.
  ///
  /// Readers let go within a chunk, if what they read from answers. One that doesn't must not keep a
  /// host filling up: after `patience` `giveUp` ends what they wait for.
  static func run<Value: Sendable>(
    patience: Duration,
    timer: any Clock<Duration> = ContinuousClock(),
    untilFull: @escaping @Sendable () async -> Bool,
    giveUp: @escaping @Sendable () async -> Void,
    read: @escaping @Sendable () async throws(BackupStop) -> Value
  ) async -> End<Value> {
    let (notice, teller) = AsyncStream.makeStream(of: Void.self)
    return await withTaskGroup(of: Part<Value>.self) { group in
      group.addTask { .read(await Self.read(until: notice, read)) }
      group.addTask {
        guard await untilFull() else { return .unneeded }
        teller.finish()
        // Not awake: cancelled, because reading has ended.
        guard await timer.isAwake(after: patience) else { return .full(isGivenUp: false) }
        await giveUp()
        return .full(isGivenUp: true)
      }
      var result: Result<Value, BackupStop> = .failure(.interrupted(.leaseLost))
      var (isFull, isGivenUp) = (false, false)
      while let part = await group.next() {
        switch part {
        case .read(let read):
          result = read
          group.cancelAll()
        case .full(let given): (isFull, isGivenUp) = (true, given)
        case .unneeded: continue
        }
      }
      return End(read: result, isFull: isFull, isGivenUp: isGivenUp)
    }
  }

  /// Does `read` and cancels it when `notice` ends.
  private static func read<Value: Sendable>(
    until notice: AsyncStream<Void>,
    _ read: @escaping @Sendable () async throws(BackupStop) -> Value
  ) async -> Result<Value, BackupStop> {
    await withTaskGroup(of: Result<Value, BackupStop>?.self) { group in
      group.addTask {
        do throws(BackupStop) {
          return .success(try await read())
        } catch {
          return .failure(error)
        }
      }
      group.addTask {
        for await _ in notice {}
        return nil
      }
      var result: Result<Value, BackupStop>?
      while let end = await group.next() {
        // Whichever came first, the other isn't wanted any more.
        group.cancelAll()
        if let end { result = end }
      }
      return result ?? .failure(.interrupted(.leaseLost))
    }
  }
}
