import Catalog
import Disks
import Hypervisor
import Jobs
import Logging
import Model
import Operations

/// A session with a running VPS that only asks what was written to a disk since a checkpoint.
struct ChangeSession: Sendable {
  let parts: BackupParts
  let node: String
  let reference: DomainReference
  /// The private folder with socket and scratch file; its name is the job's.
  let directory: String

  /// What was written to a disk since a checkpoint; nil: nobody knows, or not in time.
  func changes(
    of device: String,
    at path: String,
    size: Int64,
    since checkpoint: String
  ) async throws(BackupStop) -> [Range<Int64>]? {
    let owner = try await fromDisks { () async throws(DiskError) in
      try await RuntimeDirectory.Owner.of(path)
    }
    try await fromDisks { () async throws(DiskError) in
      _ = try await RuntimeDirectory.ensure(directory, mode: 0o700, owner: owner)
    }
    try await requireRoom()
    let result: Result<[Range<Int64>]?, BackupStop>
    do throws(BackupStop) {
      let changes = try await read(device, size, since: checkpoint)
      result = .success(changes)
    } catch {
      result = .failure(error)
    }
    try await fromHypervisor { () async throws(HypervisorError) in try await end() }
    return try result.get()
  }

  /// What the guest overwrites meanwhile takes room that nobody is promised: little, or it is given up, so
  /// there is no session where room is short.
  private func requireRoom() async throws(BackupStop) {
    let space = try await fromDisks { () async throws(DiskError) in
      try await FreeSpace.at(directory)
    }
    let node = node
    let owed = try await fromCatalog { () async throws(CatalogFault) in
      try await parts.catalog.read {
        try $0.owedBytes(node: node, fileSystem: space.fileSystem)
      }
    }
    guard space.freeBytes - owed >= Limits.changeSessionRoom else {
      throw .because(.scratchFull, "There is too little room to ask what has changed.")
    }
  }

  private func read(
    _ device: String,
    _ size: Int64,
    since checkpoint: String
  ) async throws(BackupStop) -> [Range<Int64>]? {
    let disk = BackupRequest.Disk(
      targetDevice: device,
      exportName: device,
      scratchPath: "\(directory)/\(device).scratch",
      changesSince: checkpoint
    )
    let request = BackupRequest(socketPath: "\(directory)/nbd.sock", disks: [disk])
    let start = try await fromHypervisor { () async throws(HypervisorError) in
      try await parts.hypervisor.beginBackup(of: reference, request)
    }
    guard start == .begun else { return nil }
    let lines = SessionLines()
    let watch = ScratchWatch(
      hypervisor: parts.hypervisor,
      reference: reference,
      files: [.init(path: disk.scratchPath, budgetBytes: Limits.scratchSmallest)],
      directory: directory,
      limit: Limits.changeSessionLimit,
      timer: parts.timer
    )
    let (opening, chunkBytes) = (parts.opening, parts.settings.chunkBytes)
    let (socket, context) = (request.socketPath, disk.changesContext)
    // Cancelled, nobody watches any more, so that the reader must not wait either.
    let end = await withTaskCancellationHandler {
      await ReadUnderWatch.run(
        patience: Limits.changeReaderPatience,
        timer: parts.timer,
        untilFull: { await watch.waitUntilFull() },
        giveUp: { lines.hangUp() },
        read: { () async throws(BackupStop) -> [Range<Int64>] in
          try await fromDisks { () async throws(DiskError) in
            let line = try await opening.session(socket, device, context)
            lines.add(line)
            return try await line.changes(inChunksOf: chunkBytes, ofDisk: size)
          }
        }
      )
    } onCancel: {
      lines.hangUp()
    }
    return try end.read.get()
  }

  /// Ends the session, if there is one of ours, lets a guest go on that it has stopped, and removes what it
  /// needed.
  ///
  /// The folder goes last: as long as it is there it is known that something is left to do.
  func end() async throws(HypervisorError) {
    guard await RuntimeDirectory(path: directory).isThere() else { return }
    let end = SessionEnd(
      hypervisor: parts.hypervisor,
      reference: reference,
      directory: directory
    )
    try await end.perform()
    do throws(HypervisorError) {
      try await end.close()
    } catch {
      // What was asked is answered; the folder is there for the recovery.
      parts.logger.warning(
        "folder of a session that only asked not closed",
        metadata: ["folder": "\(directory)", "error": "\(error)"]
      )
    }
  }
}
