import Catalog
import Disks
import Hypervisor
import Logging
import Model
import Operations

extension RestoreRun {
  /// Takes the exchange back: disks and seed, under the same locks; then the former disk runs.
  func rollback(cause: RestoreEnding) async throws(StepStop) {
    if !journal.summary.begun.contains(.rollback) {
      if isInPlace, kind == .restore { try await requireNotRun() }
      try await record(.rollback, .begun, TurnBackRecord(cause: cause))
    }
    let pairs = try pairs()
    try await confirmLease()
    if isInPlace {
      try await goingOn { () async throws(StepStop) in
        try await endUnlessItRan()
        try await rollbackInPlace()
      }
      return try await record(.rollback, .done)
    }
    try await endUnlessItRan()
    let state = try await describeTarget().state
    if !journal.summary.begun.contains(.swap) {
      // No disk was moved before that row was durable, so there is nothing to take back.
      releaseLock()
    } else if state.isActive {
      // Somebody started it. On the former disk that is no harm; on the new one there is no way
      // back that loses nothing.
      guard try await isUndone(pairs) else {
        throw .operatorNeeded("The target runs on its new disk, so nothing was exchanged back.")
      }
      // From its next start on: the former seed belongs to the former disk.
      try await revertSeed()
    } else {
      if lock == nil { try await takeLock(pairs) }
      try await requireQuietTarget()
      // All are looked at before any is moved: a file that can't be told stops everything.
      for pair in pairs {
        let state = try await fromDisks { () async throws(DiskError) in
          try await parts.exchange.state(of: pair)
        }
        guard state != .unknown else {
          throw .operatorNeeded("A disk isn't one that the journal names.")
        }
        if state == expectedState(moved: true) { try await requireNotRun(pair) }
      }
      for pair in pairs {
        let state = try await fromDisks { () async throws(DiskError) in
          try await parts.exchange.state(of: pair)
        }
        if state == expectedState(moved: true) { try await move(pair, forward: false) }
        try await fromDisks { () async throws(DiskError) in try await parts.exchange.sync(pair) }
      }
      try await requireState(pairs, moved: false)
      // Files first, under the same lock: libvirt may keep one waiting until somebody has started it.
      try await revertNVRAM()
      try await revertSeed()
      releaseLock()
    }
    try await record(.rollback, .done)
  }

  /// Ends a target that was started paused and whose filter or first instruction nobody came to.
  private func endUnlessItRan() async throws(StepStop) {
    guard journal.startsPaused, !journal.summary.done.contains(.start) else { return }
    let domain = try await settledTarget()
    guard domain.state == .paused else { return }
    try await confirmLease()
    try await patiently { () async throws(HypervisorError) in
      try await parts.hypervisor.destroy(domain.reference, graceful: true)
    }
  }

  /// A disk that a guest has written to since it was put in place isn't taken from it again.
  private func requireNotRun(_ pair: ExchangePair) async throws(StepStop) {
    guard let place = try pairs().firstIndex(of: pair),
      let before = journal.swap?.staged, before.indices.contains(place)
    else { return }
    let now = try await fromDisks { () async throws(DiskError) in
      try await FileIdentity.of(pair.current)
    }
    guard now.modified == before[place].modified else {
      throw .operatorNeeded("The target has run on its new disk, so nothing was exchanged back.")
    }
  }

  /// Waits for what was asked of libvirt before and was never answered: from here the definition stays as
  /// it is found.
  func settleDefinition() async throws(StepStop) {
    let reference = try requireTarget().reference
    try await patiently { () async throws(HypervisorError) in
      try await parts.hypervisor.settle(reference)
    }
  }

  /// The same of disks that were written over where they are, before the first byte is put back.
  ///
  /// Of block devices nobody can tell.
  private func requireNotRun() async throws(StepStop) {
    guard let written = journal.written, journal.summary.begun.contains(.start) else { return }
    for pair in try pairs() {
      guard let before = written[pair.disk] else { continue }
      let now = try await fromDisks { () async throws(DiskError) in
        try await FileIdentity.of(pair.current)
      }
      guard now.modified == before.modified else {
        throw .operatorNeeded("The target has run on its new disk, so nothing was put back.")
      }
    }
  }

  /// The former seed belongs to the former disk.
  private func revertSeed() async throws(StepStop) {
    guard let seed = journal.stop?.seed else { return }
    try await settleDefinition()
    try await apply(seed.reversed)
  }

  /// Removes the stage, and lets the target run again if it ran.
  func discard(cause: RestoreEnding) async throws(StepStop) {
    if !journal.summary.begun.contains(.discard) {
      try await record(.discard, .begun, TurnBackRecord(cause: cause))
    }
    releaseLock()
    try await confirmLease()
    // A former disk that doesn't start is no reason to leave the stage behind.
    var notRunning: StepStop?
    if journal.summary.begun.contains(.stop) {
      do throws(StepStop) {
        try await restoreRunning()
      } catch .failure(let failure) {
        notRunning = .failure(failure)
      }
    }
    if kind == .restore, journal.stage != nil {
      // Behind the start, which takes its time: another worker's stage isn't this one's to remove.
      try await confirmLease()
      try await discardStaged()
    }
    try await insistently("kept NVRAM") { () async throws(StepStop) in
      try await removeKeptNVRAM()
    }
    if let notRunning { throw notRunning }
    try await record(.discard, .done)
  }

  /// Removes what nobody has a use for, after another worker has ended the job: what this one has
  /// staged since, and what it kept that one from removing.
  func discardIfOver(_ step: RestoreStep) async {
    guard journal.stage != nil else { return }
    let id = job.id
    do throws(StepStop) {
      if step == .stop { try await removeOwnNVRAM() }
      let now = try await fromCatalog { () async throws(CatalogFault) in
        try await self.parts.catalog.read { try $0.job(id) }
      }
      if kind == .restore, isInPlace, step == .stage, now?.attempts != job.attempts {
        try await removeOwnLogs()
      }
      switch (kind, now?.state) {
      case (.undo, .completed):
        try await discardRestoredDisks()
      case (.restore, .failed), (.restore, .cancelled):
        // Where the target has its former disk a new one is of no use, nor what the old one held.
        let isFormer: Set<LeftState> = [.untouched, .rolledBack, .rolledBackNotRunning]
        guard step == .stage, let left = now?.failure?.left, isFormer.contains(left) else { return }
        if isInPlace { try await removeLogs() } else { try await discardStages() }
        try await removeSeed(seedPath)
        try await removeKeptNVRAM()
      default: return
      }
    } catch {
      parts.logger.warning("what is left not discarded", metadata: ["job.id": "\(id)"])
    }
  }

  /// Removes what was staged; what can't be removed now is tried again.
  private func discardStaged() async throws(StepStop) {
    do throws(StepStop) {
      if isInPlace {
        // Never while a disk may be half written: then the logs are all there is of the other half.
        let summary = journal.summary
        guard !summary.begun.contains(.swap) || summary.done.contains(.rollback) else {
          throw .operatorNeeded("The target's disks are being written over.")
        }
        // The record goes first, as it leads to the logs.
        try await endUndo(of: job.id)
        try await removeLogs()
      } else {
        try await discardStages()
      }
      try await removeSeed(seedPath)
    } catch .failure(var failure) where failure.left == .untouched {
      failure.isTransient = true
      throw .failure(failure)
    }
  }

  /// Starts the target on its former disk if it ran before, and lets it start with the host again.
  private func restoreRunning() async throws(StepStop) {
    guard let stop = journal.stop else { return }
    let reference = try requireTarget().reference
    let isAsked =
      journal.summary.begun.contains(.stop) && !journal.summary.done.contains(.stop)
    // What libvirt hung in comes late, too: whether the target runs, and starts with the host, is known
    // when that is over.
    if isAsked { try await settleDefinition() }
    try await restoreAutostart(stop)
    try await holdFormerBoot()
    guard stop.wasRunning else { return }
    let state = try await patiently { () async throws(HypervisorError) in
      try await parts.hypervisor.state(of: reference)
    }
    if state.isActive {
      // A shutdown that was sent may still be obeyed; a target that stays up needs no start.
      guard isAsked, try await isStopped(reference, within: parts.settings.shutdownTimeout)
      else { return }
    }
    // Behind the waits: the job may have become another worker's meanwhile.
    try await confirmLease()
    do throws(HypervisorError) {
      try await startInAnyCase(reference)
    } catch {
      let after = try await patiently { () async throws(HypervisorError) in
        try await parts.hypervisor.state(of: reference)
      }
      guard after.isActive else {
        throw .failure(
          JobFailure(
            code: .internalError,
            detail: "The target has its former disk but did not start: \(error.publicReason).",
            left: .rolledBackNotRunning,
            // Whoever has its disk open may let go of it, so it isn't given up at the first refusal.
            isTransient: error.isTransient || !isLastAttempt
          )
        )
      }
    }
  }

  func restoreAutostart(_ stop: StopRecord) async throws(StepStop) {
    guard stop.hadAutostart else { return }
    let reference = try requireTarget().reference
    try await patiently { () async throws(HypervisorError) in
      try await parts.hypervisor.setAutostart(reference, true)
    }
  }
}
