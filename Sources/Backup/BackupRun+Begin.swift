import Hypervisor
import Logging
import Model
import Synchronization

extension BackupRun {
  /// Begins the session in the best way that the hypervisor agrees to.
  ///
  /// Best is to build on the parent; a lost chain is given up and everything is read. A checkpoint
  /// that can't be set costs only the next backup's speed, so the backup is made without it.
  func begin(
    _ session: SessionPlan,
    _ search: ParentSearch
  ) async throws(BackupStop) -> BegunSession {
    var begun = BegunSession(hasCheckpoint: !session.recordingDevices.isEmpty)
    switch search {
    case .parent(let parent):
      begun.parent = parent
      let request = session.request(building: parent, setsCheckpoint: true)
      let (start, frozen) = try await begin(request, of: session.domain)
      begun.frozen = frozen
      if start == .begun { return begun }
      begun.parent = nil
      begun.fullReason = .bitmapLost
    case .none(let reason):
      begun.fullReason = reason
    }
    // A parent that can't be built on now never can be again.
    try await dropChain(of: session.domain)
    do throws(BackupStop) {
      let request = session.request(building: nil, setsCheckpoint: begun.hasCheckpoint)
      begun.frozen = try await begin(request, of: session.domain).frozen
    } catch {
      guard begun.hasCheckpoint, case .failure(let failure) = error, !failure.isTransient else {
        throw error
      }
      parts.logger.warning(
        "no checkpoint could be set, so the next backup reads everything",
        metadata: ["job.id": "\(job.id)", "error": "\(failure.detail)"]
      )
      begun.hasCheckpoint = false
      let request = session.request(building: nil, setsCheckpoint: false)
      begun.frozen = try await begin(request, of: session.domain).frozen
    }
    return begun
  }

  /// Freeze, begin, thaw: one bounded section, thawed on every path.
  private func begin(
    _ request: BackupRequest,
    of domain: DomainDescription
  ) async throws(BackupStop) -> (start: SessionStart, frozen: Duration?) {
    let reference = domain.reference
    guard domain.isAgentConnected else {
      let start = try await fromHypervisor { () async throws(HypervisorError) in
        try await parts.hypervisor.beginBackup(of: reference, request)
      }
      return (start, nil)
    }
    let watch = Stopwatch(parts.timer)
    debts.withLock { $0.thaw = true }
    let end = await FrozenSection.run(
      bound: Limits.freezeBound,
      timer: parts.timer,
      thaw: { await self.thaw(reference) },
      body: { () async throws(HypervisorError) -> FrozenStart in
        let isFrozen = await self.freeze(reference)
        let start = try await self.parts.hypervisor.beginBackup(of: reference, request)
        return FrozenStart(start: start, isFrozen: isFrozen)
      }
    )
    // Also after a thaw at the bound: the freeze may have bitten since.
    debts.withLock { $0.thaw = true }
    await thaw(reference)
    let begun = try await fromHypervisor { () throws(HypervisorError) in try end.result.get() }
    if begun.isFrozen, !end.isInTime {
      parts.logger.notice(
        "guest thawed before the backup had begun, which is crash-consistent",
        metadata: ["job.id": "\(job.id)"]
      )
    }
    return (begun.start, begun.isFrozen && end.isInTime ? watch.elapsed : nil)
  }

  /// Freezes a guest's file systems; false if it has none, or they aren't frozen.
  private func freeze(_ reference: DomainReference) async -> Bool {
    do throws(HypervisorError) {
      return try await parts.hypervisor.freeze(reference, timeout: Limits.freezeAnswer) > 0
    } catch {
      // A freeze that failed may still bite later: the thaw that follows is for it as well.
      parts.logger.notice(
        "guest not frozen, the backup is crash-consistent",
        metadata: ["job.id": "\(job.id)", "error": "\(error)"]
      )
      return false
    }
  }
}

/// A session that has begun, maybe over a guest that was frozen.
private struct FrozenStart: Sendable {
  let start: SessionStart
  let isFrozen: Bool
}
