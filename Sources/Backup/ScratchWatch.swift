import Disks
import Hypervisor
import Jobs
import Logging
import Model

/// Watches the scratch files of a session: a host that fills up stops the guest.
struct ScratchWatch: Sendable {
  /// A scratch file and how large it may become.
  struct File: Sendable {
    var path: String
    var budgetBytes: Int64
  }

  let hypervisor: any Hypervisor
  let reference: DomainReference
  let files: [File]
  let directory: String
  /// How long the session may take anyway; nil: as long as there is room.
  var limit: Duration?
  /// Whether nobody wants any more what it is for.
  var isUnwanted: @Sendable () -> Bool = { false }
  var timer: any Clock<Duration> = ContinuousClock()

  /// Waits until the session must be given up; false if the wait was cancelled.
  func waitUntilFull() async -> Bool {
    await withTaskGroup(of: Bool.self) { group in
      // Listening begins before the first look.
      let events = hypervisor.events()
      group.addTask { await isStopped(events) }
      group.addTask { await isOutgrown() }
      if let limit { group.addTask { await timer.isAwake(after: limit) } }
      while let isFull = await group.next() {
        guard isFull else { continue }
        group.cancelAll()
        return true
      }
      return false
    }
  }

  /// The guest was stopped because a write of its failed: QEMU can't keep what it overwrites.
  private func isStopped(_ events: AsyncStream<DomainEvent>) async -> Bool {
    for await event in events {
      guard case .diskError(_, paused: true) = event.kind else { continue }
      let domain = event.domain
      if domain?.uuid == reference.uuid || domain?.name == reference.name { return true }
    }
    return false
  }

  private func isOutgrown() async -> Bool {
    while !Task.isCancelled {
      if isUnwanted() { return true }
      if await isNearlyFull() { return true }
      guard await timer.isAwake(after: Limits.scratchWatchInterval) else { return false }
    }
    return false
  }

  func isNearlyFull() async -> Bool {
    for file in files {
      // A file that isn't there yet, or can't be looked at, takes nothing that is known of.
      let used = (try? await DiskImage.allocatedBytes(file.path)) ?? 0
      if Double(used) >= Double(file.budgetBytes) * Limits.scratchAlarm { return true }
    }
    guard let free = try? await FreeSpace.at(directory).freeBytes else { return false }
    return free < Limits.scratchFreeFloor / 2
  }
}

extension BackupRun {
  /// Does `body` and gives it up, the session right after it, when the scratch files threaten the
  /// host, or when the backup is cancelled.
  ///
  /// The readers let go first: QEMU 7.2 was seen to hang, its guest with it, when a session was aborted
  /// under open connections. Those that don't have theirs cut: one whose storage hangs waits for ever.
  func watched(
    by watch: ScratchWatch,
    _ lines: SessionLines,
    _ body: @escaping @Sendable () async throws(BackupStop) -> MadeDisks
  ) async throws(BackupStop) -> MadeDisks {
    // A worker that ends doesn't wait for an answer either.
    let end = await withTaskCancellationHandler {
      await ReadUnderWatch.run(
        patience: Limits.scratchReaderPatience,
        timer: parts.timer,
        untilFull: { await watch.waitUntilFull() },
        giveUp: {
          lines.hangUp()
          await self.giveUpSession(of: watch)
        },
        read: body
      )
    } onCancel: {
      lines.hangUp()
    }
    // What was read whole before anybody noticed is good.
    if case .success(let made) = end.read { return made }
    if Task.isCancelled { throw .interrupted(.leaseLost) }
    guard end.isFull else { return try end.read.get() }
    if !end.isGivenUp { await giveUpSession(of: watch) }
    if context.isCancelRequested { throw .cancelled }
    throw .because(.scratchFull, Self.scratchFullSentence)
  }

  private static let scratchFullSentence =
    "The guest wrote more while its disks were read than there is room for; "
    + "the backup was given up and the guest runs on."

  private func giveUpSession(of watch: ScratchWatch) async {
    do throws(BackupStop) {
      try await endSession(of: watch.reference, watch.directory)
    } catch {
      // The end of the attempt tries again.
      parts.logger.error(
        "session with full scratch not ended",
        metadata: ["job.id": "\(job.id)", "error": "\(error)"]
      )
    }
  }

  /// Lets a guest go on that a failed write has stopped.
  func resumeIfStopped(_ reference: DomainReference) async throws(BackupStop) {
    try await fromHypervisor { () async throws(HypervisorError) in
      guard try await parts.hypervisor.state(of: reference) == .pausedOnError else { return }
      try await parts.hypervisor.resume(reference)
    }
  }
}
