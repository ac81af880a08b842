import Catalog
import Datastore
import Disks
import Jobs
import Model

/// What reading all disks came to.
struct MadeDisks: Sendable {
  var disks: [BackupDisk] = []
  var count = ReadCount()
  var isFrozen = false
  var frozenMilliseconds: Int64 = 0
  /// The mark that the next backup may count from; nil: none was set.
  var checkpoint: Checkpoint?
  /// The disks of a stopped VPS as they were read.
  var still: [StillDisk] = []
  /// Why everything was read; nil: it wasn't.
  var fullReason: FullReadReason?
}

extension MadeDisks {
  /// Stores what the next backup may build on, in the transaction that completes this one.
  func remember(
    as backup: BackupID,
    of vps: VPSID,
    _ transaction: any CatalogTransaction
  ) throws(CatalogError) {
    if !still.isEmpty {
      try transaction.setStillDisks(StillDisks(vpsID: vps, backupID: backup, disks: still))
    }
    guard let checkpoint else { return }
    try transaction.setCheckpoint(checkpoint)
    // So that the sweep finds the one before without waiting for the next look at the host.
    guard var seen = try transaction.vps(vps)?.observation else { return }
    seen.ownCheckpoints = (seen.ownCheckpoints ?? []) + [checkpoint.name]
    try transaction.setObservation(seen, of: vps)
  }
}

extension BackupRun {
  /// Reads every disk into the snapshot.
  func read(
    _ sources: [SourceDisk],
    into writer: SnapshotWriter
  ) async throws(BackupStop) -> MadeDisks {
    try await record(.read, .begun)
    let total = sources.reduce(0) { $0 + $1.device.size }
    var made = MadeDisks()
    var readers: [DiskReader] = []
    var nonZeroBytes: [Int64] = []
    for source in sources {
      let index = try await fromDatastore { () async throws(DatastoreError) in
        try writer.beginIndex(
          source.archive,
          size: source.device.size,
          chunkSize: parts.settings.chunkBytes
        )
      }
      let reader = DiskReader(
        source: source,
        index: index,
        buffers: buffers,
        rates: [context.rate, parts.rate]
      )
      let before = made.count
      var counted = before
      try await reader.readAll { step throws(BackupStop) in
        counted += step
        try goOn(counted.bytesDone, of: total)
      }
      made.count = counted
      nonZeroBytes.append(counted.bytesNonZero - before.bytesNonZero)
      readers.append(reader)
      await parts.reached(.duringRead)
    }
    // While the disks of this moment can still be read: what was reused must really be there.
    let done = made.count.bytesDone
    for reader in readers {
      made.count += try await reader.readLostChunks { () throws(BackupStop) in
        try goOn(done, of: total)
      }
    }
    for (reader, nonZero) in zip(readers, nonZeroBytes) {
      try await fromDatastore { () async throws(DatastoreError) in try await reader.index.close() }
      made.disks.append(BackupDisk(reader.source, nonZeroBytes: nonZero))
    }
    try await record(.read, .done)
    return made
  }

  private func goOn(_ done: Int64, of total: Int64) throws(BackupStop) {
    report(done: done, total: total)
    priority.set(context.ioPriority ?? parts.settings.ioPriority.value)
    if Task.isCancelled { throw .interrupted(.leaseLost) }
    if context.isCancelRequested { throw .cancelled }
  }

  private func report(done: Int64, total: Int64) {
    let percent = total > 0 ? 1 + Int(Double(done) / Double(total) * 97) : 1
    context.report(
      JobProgress(
        step: BackupStep.read.rawValue,
        bytesDone: done,
        bytesTotal: total,
        percent: min(99, percent),
        message: "Reading the disks"
      )
    )
  }
}

extension BackupDisk {
  fileprivate init(_ source: SourceDisk, nonZeroBytes: Int64) {
    self.init(
      device: source.observed.device,
      bus: source.observed.bus,
      archive: source.archive,
      sizeBytes: source.device.size,
      nonZeroBytes: nonZeroBytes,
      logicalBlockSize: source.observed.logicalBlockSize,
      bootOrder: source.observed.bootOrder
    )
  }
}
