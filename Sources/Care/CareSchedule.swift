import Model

/// When a store's garbage is collected and its backups are read again by themselves.
package struct CareSchedule: Sendable, Equatable {
  /// How long after a collection the next one is; nil: only when somebody asks.
  package var collectEvery: Duration?
  /// How long after its last verification, or its making, a backup is verified; nil: only when
  /// somebody asks.
  package var verifyEvery: Duration?

  /// Makes a schedule.
  package init(collectEvery: Duration?, verifyEvery: Duration?) {
    self.collectEvery = collectEvery
    self.verifyEvery = verifyEvery
  }

  /// Whether a collection is due after the last one, which may be unfinished.
  func isCollectionDue(after last: StoreTask?, at now: Timestamp) -> Bool {
    guard let collectEvery else { return false }
    guard let last else { return true }
    let pause = last.state == .failed ? min(collectEvery, Limits.careRetry) : collectEvery
    return isOver(pause, since: last, at: now)
  }

  /// Before which moment a backup must have been verified last to be due now; nil: none is due,
  /// because the last run has just failed or isn't over.
  func verificationBoundary(after last: StoreTask?, at now: Timestamp) -> Timestamp? {
    guard let verifyEvery else { return nil }
    if let last {
      let pause = last.state == .failed ? Limits.careRetry : .zero
      guard isOver(pause, since: last, at: now) else { return nil }
    }
    return now.advanced(by: .zero - verifyEvery)
  }

  private func isOver(_ pause: Duration, since last: StoreTask, at now: Timestamp) -> Bool {
    guard last.state.isFinal else { return false }
    let end = last.finishedAt ?? last.createdAt
    // An end that is still to come was written by a clock that has been set back since.
    return end.advanced(by: pause) <= now || now < end
  }
}
