package import Catalog
package import Disks
import Foundation
package import Model
import Synchronization

/// What a handler has of the worker while it works on a job: its journal, its lease, its progress.
///
/// After a lost lease, and in a cancelled task, everything that writes throws
/// `JobInterruption.leaseLost`. So a worker that ends doesn't make a job fail: its handlers find
/// that they can't journal, stop, and the next worker goes on from the journal.
package final class JobContext: Sendable {
  private struct State {
    var leaseUntil: Timestamp
    var isLost = false
    var isCancelRequested: Bool
    var ioPriority: IOPriority?
    var progress: ProgressMeter
    var powerLock: HostLock?
    var stages: StageCounter
  }

  /// How long to wait before a power lock that is taken is asked for again.
  private static let powerLockRest = Duration.milliseconds(200)

  /// The job as it was when it was claimed.
  package let job: Job
  /// What the job moves passes here; follows the job's limits while it runs.
  package let rate: RateLimiter
  /// How urgent the job's I/O is; nil: nobody has said so for this job.
  package var ioPriority: IOPriority? { state.withLock { $0.ioPriority } }
  let lease: Lease
  private let catalog: any Catalog
  private let clock: any WallClock
  private let timer: any Clock<Duration>
  private let lock: HostLock
  private let powerLockPath: String
  private let state: Mutex<State>

  init(
    _ claim: Claim,
    catalog: any Catalog,
    clock: any WallClock,
    timer: any Clock<Duration>,
    stages: StageCounter
  ) {
    job = claim.job
    lease = claim.lease
    lock = claim.lock
    rate = RateLimiter(bytesPerSecond: claim.job.limits.bytesPerSecond)
    powerLockPath = claim.powerLockPath
    self.catalog = catalog
    self.clock = clock
    self.timer = timer
    state = Mutex(
      State(
        leaseUntil: claim.lease.until,
        isCancelRequested: claim.job.isCancelRequested,
        ioPriority: claim.job.limits.ioPriority,
        progress: ProgressMeter(claim.job.progress),
        stages: stages
      )
    )
  }

  /// Whether the job's owner wants it to end, as far as it is known by now.
  package var isCancelRequested: Bool { state.withLock { $0.isCancelRequested } }

  /// How long ago a worker first took the job up.
  package var elapsedMilliseconds: Int64 {
    clock.now().milliseconds - (job.startedAt ?? job.createdAt).milliseconds
  }

  /// Adds a row to the job's journal, and writes what belongs to it in the same transaction; it is
  /// durable when this returns.
  package func record(
    _ step: String,
    _ phase: StepPhase,
    detail: some Encodable & Sendable,
    also: @escaping @Sendable (any CatalogTransaction) throws -> Void = { _ in }
  ) async throws(JobInterruption) {
    try requireLease()
    let text = try Self.text(of: detail)
    let (lease, now) = (lease, clock.now())
    let sequence = try await write { transaction in
      let sequence = try transaction.appendStep(
        name: step,
        phase: phase,
        detail: text,
        at: now,
        lease: lease
      )
      if sequence != nil { try also(transaction) }
      return sequence
    }
    guard sequence != nil else { throw lose() }
  }

  /// The job's journal so far, earlier attempts included.
  package func journal() async throws(JobInterruption) -> [JobStep] {
    let id = job.id
    do throws(CatalogFault) {
      return try await catalog.read { try $0.steps(of: id) }
    } catch {
      throw Self.interruption(error)
    }
  }

  /// Changes the catalog, if the job is still this worker's: that is looked at in the same transaction.
  package func change<Value: Sendable>(
    _ body: @escaping @Sendable (any CatalogTransaction) throws -> Value
  ) async throws(JobInterruption) -> Value {
    try requireLease()
    let next = nextLease
    let changed = try await write { transaction -> Value? in
      guard case .held = try transaction.renew(next) else { return nil }
      return try body(transaction)
    }
    guard let changed else { throw lose() }
    return changed
  }

  /// Renews the lease now and makes sure that the VPS's lock is still held.
  ///
  /// Called right before each effect that can't be taken back.
  package func confirmLease() async throws(JobInterruption) {
    try requireLease()
    guard await lock.isHeld() else { throw lose() }
    if let powerLock = state.withLock({ $0.powerLock }) {
      guard await powerLock.isHeld() else { throw lose() }
    }
    try await renew()
  }

  /// Keeps power actions of the VPS away from a data job until `releasePower` or the attempt's end.
  ///
  /// Waits for one that is at work, which is a matter of minutes.
  /// - Returns: False when the lock can't be had in time, or a cancel that is listened to came.
  package func holdPower(
    within limit: Duration,
    orUntilCancelled isListening: Bool
  ) async throws(JobInterruption) -> Bool {
    guard state.withLock({ $0.powerLock }) == nil else { return true }
    let deadline = clock.now().advanced(by: limit)
    while true {
      try requireLease()
      do throws(RecordLock.Failure) {
        let taken = try await HostLock.take(powerLockPath)
        state.withLock { $0.powerLock = taken }
        return true
      } catch {
        guard clock.now() < deadline, !(isListening && isCancelRequested) else { return false }
      }
      _ = await timer.isAwake(after: Self.powerLockRest)
    }
  }

  /// Lets power actions pass again.
  package func releasePower() {
    let held = state.withLock { state in
      defer { state.powerLock = nil }
      return state.powerLock
    }
    held?.release()
  }

  /// Shows how far the job has come; cheap enough to be called for every chunk.
  package func report(_ progress: JobProgress) {
    let now = clock.now()
    state.withLock { state in
      state.progress.take(progress, at: now)
      state.stages.take(progress)
    }
  }
}

extension JobContext {
  /// Whether the lease was found to be gone.
  var isLost: Bool { state.withLock { $0.isLost } }

  /// Whether the lease has run out without a renewal.
  var hasLeaseEnded: Bool {
    let now = clock.now()
    return state.withLock { $0.leaseUntil <= now }
  }

  /// The progress that is to be stored together with the job's end; nil: nothing new.
  func lastProgress(isCompleted: Bool) -> JobProgress? {
    state.withLock { $0.progress.last(isCompleted: isCompleted) }
  }

  /// Gives the lease up on this side; what it returns is to be thrown.
  func lose() -> JobInterruption {
    state.withLock { $0.isLost = true }
    return .leaseLost
  }

  /// The lease as it is from now.
  private var nextLease: Lease {
    var next = lease
    next.until = clock.now().advanced(by: Limits.leaseDuration)
    return next
  }

  /// Renews the lease and learns whether a cancel was asked for.
  func renew() async throws(JobInterruption) {
    let next = nextLease
    switch try await write({ try $0.renew(next) }) {
    case .held(let cancelRequested):
      state.withLock { state in
        state.leaseUntil = next.until
        if cancelRequested { state.isCancelRequested = true }
      }
    case .lost:
      throw lose()
    }
  }

  /// Stores the newest progress, if there is any.
  func storeProgress() async throws(JobInterruption) {
    guard let progress = state.withLock({ $0.progress.next() }) else { return }
    let lease = lease
    guard try await write({ try $0.setProgress(progress, lease: lease) }) else { throw lose() }
  }

  /// Learns whether a cancel was asked for and which limits hold, without waiting for the next
  /// renewal.
  func lookForWishes() async throws(JobInterruption) {
    let id = job.id
    let found: Job?
    do throws(CatalogFault) {
      found = try await catalog.read { try $0.job(id) }
    } catch {
      throw Self.interruption(error)
    }
    guard let found else { return }
    // It was overtaken, and its lease is gone with it.
    if found.state.isFinal { throw lose() }
    rate.setRate(found.limits.bytesPerSecond)
    state.withLock { state in
      state.ioPriority = found.limits.ioPriority
      if found.isCancelRequested { state.isCancelRequested = true }
    }
  }

  private func requireLease() throws(JobInterruption) {
    guard !Task.isCancelled, !isLost else { throw .leaseLost }
  }

  private func write<Value: Sendable>(
    _ body: @escaping @Sendable (any CatalogTransaction) throws -> Value
  ) async throws(JobInterruption) -> Value {
    do throws(CatalogFault) {
      return try await catalog.write(body)
    } catch {
      throw Self.interruption(error)
    }
  }

  private static func interruption(_ fault: CatalogFault) -> JobInterruption {
    switch fault {
    case .failed(let error): .catalog(error)
    case .refused(let refusal): .catalog(.failed("refused: \(refusal.code)"))
    }
  }

  private static func text(of detail: some Encodable) throws(JobInterruption) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      return String(decoding: try encoder.encode(detail), as: UTF8.self)
    } catch {
      throw .catalog(.failed("a journal row's detail can't be written as JSON: \(error)"))
    }
  }
}
