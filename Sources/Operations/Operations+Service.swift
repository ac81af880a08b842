import Catalog
package import Model

extension Operations {
  /// Suspends a VPS: a restore before its swap is cancelled, one after it is waited for.
  package func suspendVPS(
    _ caller: Caller,
    _ id: String,
    wait: ServiceChangeWait
  ) async throws(Refusal) -> VPS {
    try await change(caller, id, to: .suspended, wait: wait)
  }

  /// Makes a suspended VPS active again.
  package func resumeVPS(_ caller: Caller, _ id: String) async throws(Refusal) -> VPS {
    try await write { transaction in
      var vps = try self.find(id, for: caller, transaction)
      guard vps.serviceStatus != .terminated else { throw Refusal.notFound }
      vps.serviceStatus = .active
      try transaction.update(vps)
      try transaction.append(self.audit(caller, "vps.resume", vps.id.text))
      return vps
    }
  }

  /// Ends a VPS: its backups stay, retained, owned by its client.
  package func terminateVPS(
    _ caller: Caller,
    _ id: String,
    wait: ServiceChangeWait
  ) async throws(Refusal) -> VPS {
    try await change(caller, id, to: .terminated, wait: wait)
  }

  private func change(
    _ caller: Caller,
    _ id: String,
    to status: ServiceStatus,
    wait: ServiceChangeWait
  ) async throws(Refusal) -> VPS {
    let deadline = clock.now().advanced(by: wait.bound)
    while true {
      let outcome = try await write { transaction in
        try self.attemptChange(caller, id, to: status, transaction)
      }
      switch outcome {
      case .changed(let vps):
        return vps
      case .waiting(let job):
        guard clock.now() < deadline else { throw .vpsNotReady(.jobInFlight, jobID: job) }
        await wait.pause()
      }
    }
  }

  private enum ChangeOutcome: Sendable {
    case changed(VPS)
    case waiting(JobID)
  }

  private func attemptChange(
    _ caller: Caller,
    _ id: String,
    to status: ServiceStatus,
    _ transaction: any CatalogTransaction
  ) throws -> ChangeOutcome {
    var vps = try find(id, for: caller, transaction)
    guard vps.serviceStatus != .terminated else { throw Refusal.notFound }
    if let job = try transaction.unfinishedJob(of: vps.id, class: .data) {
      let isPastSwap = Self.isPastSwap(
        try transaction.steps(of: job.id, named: [JournalStep.swap])
      )
      if !isPastSwap, !job.isCancelRequested { _ = try cancel(job.id, by: caller, transaction) }
      if let still = try transaction.unfinishedJob(of: vps.id, class: .data) {
        return .waiting(still.id)
      }
    }
    vps.serviceStatus = status
    try transaction.update(vps)
    try transaction.append(audit(caller, "vps.\(status.rawValue)", vps.id.text))
    return .changed(vps)
  }
}

/// How a change of service waits for the job that is in its way.
package struct ServiceChangeWait: Sendable {
  /// The longest wait.
  package var bound: Duration
  /// Waits a moment before the next look.
  package var pause: @Sendable () async -> Void

  /// Makes a wait.
  package init(bound: Duration, pause: @escaping @Sendable () async -> Void) {
    self.bound = bound
    self.pause = pause
  }
}
