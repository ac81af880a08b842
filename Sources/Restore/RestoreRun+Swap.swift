import Catalog
import Disks
import Hypervisor
import Jobs
import Model
import Operations

extension RestoreRun {
  /// Exchanges disks and seed while nobody can start the target.
  func swap() async throws(StepStop) {
    if isInPlace {
      try await endBackupChain()
      try await goingOn { () async throws(StepStop) in try await rewrite() }
      return await forgetOwnCheckpoints()
    }
    let watch = Stopwatch(parts.timer)
    let pairs = try pairs()
    if try await !isStartedOnMovedDisks(pairs) {
      try await takeLock(pairs)
      try await requireQuietTarget()
      if kind == .restore { try await parts.prepare(pairs, holding: try requireLock()) }
      // Before the disk is there, so that nobody starts it without.
      if kind == .restore, try !startsTarget() { try await holdNextBoot() }
      try await recordSwap(pairs)
      try await confirmLease()
      if context.isCancelRequested, try await isUndone(pairs) { throw .cancelled }
      try await endBackupChain()
      try await moveAll(pairs)
      try await exchangeNVRAM()
    }
    try await requireState(pairs, moved: true)
    await forgetOwnCheckpoints()
    guard let stop = journal.stop else {
      throw .operatorNeeded("The journal doesn't say how the target was stopped.")
    }
    try await apply(stop.seed)
    try await record(
      .swap,
      .done,
      TimedRecord(milliseconds: watch.elapsed.milliseconds)
    )
  }

  /// Moves every disk, then makes the moves durable.
  private func moveAll(_ pairs: [ExchangePair]) async throws(StepStop) {
    await parts.reached(.beforeExchange)
    for (place, pair) in pairs.enumerated() {
      if place > 0 { await parts.reached(.betweenExchanges) }
      try await move(pair, forward: true)
    }
    await parts.reached(.afterExchange)
    for pair in pairs {
      try await fromDisks { () async throws(DiskError) in try await parts.exchange.sync(pair) }
    }
  }

  /// Whether a worker died after the exchange and somebody has started the target since: then the
  /// disks are in use where they belong, and there is nothing left to move.
  private func isStartedOnMovedDisks(_ pairs: [ExchangePair]) async throws(StepStop) -> Bool {
    guard journal.summary.begun.contains(.swap) else { return false }
    for pair in pairs {
      let state = try await fromDisks { () async throws(DiskError) in
        try await parts.exchange.state(of: pair)
      }
      guard state == expectedState(moved: true) else { return false }
    }
    return try await describeTarget().state.isActive
  }

  /// Puts a disk in the place that this run wants, or back.
  func move(_ pair: ExchangePair, forward: Bool) async throws(StepStop) {
    let lock = try requireLock()
    try await fromDisks { () async throws(DiskError) in
      if (kind == .restore) == forward {
        try await parts.exchange.exchange(pair, holding: lock)
      } else {
        try await parts.exchange.reverse(pair, holding: lock)
      }
    }
  }

  /// What the stamps say where this run's disks are in place, or the former ones.
  func expectedState(moved: Bool) -> ExchangeState {
    (kind == .restore) == moved ? .done : .notDone
  }

  func requireState(_ pairs: [ExchangePair], moved: Bool) async throws(StepStop) {
    for pair in pairs {
      let state = try await fromDisks { () async throws(DiskError) in
        try await parts.exchange.state(of: pair)
      }
      guard state == expectedState(moved: moved) else {
        throw .operatorNeeded("A disk isn't the one that the journal says.")
      }
    }
  }

  /// Whether none of the disks has been moved yet.
  func isUndone(_ pairs: [ExchangePair]) async throws(StepStop) -> Bool {
    for pair in pairs {
      let state = try await fromDisks { () async throws(DiskError) in
        try await parts.exchange.state(of: pair)
      }
      if state != expectedState(moved: false) { return false }
    }
    return true
  }

  func requireLock() throws(StepStop) -> ImageLock {
    guard let lock else { throw .because(.internalError, "The disks aren't locked.") }
    return lock
  }

  /// Takes QEMU's own locks on all files: from here no start by hand gets through.
  func takeLock(_ pairs: [ExchangePair]) async throws(StepStop) {
    releaseLock()
    let paths = pairs.flatMap { [$0.current, $0.staged] }
    lock = try await fromDisks { () async throws(DiskError) in
      try await ImageLock.exclusive(paths)
    }
  }

  /// Reads the state once more, under the lock.
  func requireQuietTarget() async throws(StepStop) {
    let domain = try await describeTarget()
    guard domain.state == .stopped || domain.state == .crashed else {
      throw .because(.vpsNotReady, "Somebody started the target before its disk was exchanged.")
    }
    guard !domain.hasManagedSave else {
      throw .because(.vpsNotReady, NotReadyReason.savedState.sentence)
    }
    guard domain.snapshotCount == 0 else {
      throw .because(.vpsNotReady, NotReadyReason.snapshots.sentence)
    }
    guard domain.activeJob == nil else {
      throw .because(.vpsNotReady, NotReadyReason.blockJob.sentence)
    }
  }

  /// The row that begins the swap; what is in it tells files apart after a crash.
  private func recordSwap(_ pairs: [ExchangePair]) async throws(StepStop) {
    guard !journal.summary.begun.contains(.swap) else { return }
    var current: [FileIdentity] = []
    var staged: [FileIdentity] = []
    for pair in pairs {
      try await fromDisks { () async throws(DiskError) in
        current.append(try await FileIdentity.of(pair.current))
        staged.append(try await FileIdentity.of(pair.staged))
      }
    }
    try await record(.swap, .begun, SwapRecord(current: current, staged: staged))
  }
}

extension RestoreParts {
  /// Owner, mode and labels of the stopped disk, then stamps, then everything durable.
  func prepare(_ pairs: [ExchangePair], holding lock: ImageLock) async throws(StepStop) {
    for pair in pairs {
      try await fromDisks { () async throws(DiskError) in
        if try await exchange.state(of: pair) != .done {
          try await FileAttributes.copy(from: pair.current, to: pair.staged)
        }
      }
    }
    try await fromDisks { () async throws(DiskError) in
      try await exchange.prepare(pairs, holding: lock)
    }
  }
}
