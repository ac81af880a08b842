package import Datastore
package import Disks
package import Hypervisor
import Logging
package import Model
import Operations

/// What a disk held at a moment, and what was written to it since.
package struct KnownDisk: Sendable {
  /// What it held.
  package let index: FixedIndex
  /// The chunks that may be something else by now, in bytes.
  package let changes: [Range<Int64>]
}

/// Looks for what is known of a disk that was just cloned, without reading it.
///
/// A disk of a VPS that is off may not have been written to at all since its backup: ``StillContent``.
/// A qcow2 has recorded what was written since: in the clone's own bitmap if the image was closed, in
/// QEMU's if it runs.
package struct ContentSearch: Sendable {
  private let parts: BackupParts

  /// Makes it over what backups work with.
  package init(_ parts: BackupParts) {
    self.parts = parts
  }

  /// How often a VPS's guest has flushed a disk; nil if it doesn't run, or that can't be told.
  package func flushCount(of vps: VPS, device: String) async -> Int64? {
    try? await parts.hypervisor.flushCount(of: vps.reference, device: device)
  }

  /// What is known of a clone; nil: nothing that one may lean on.
  ///
  /// Asked after the clone was made, so that what was written in between counts as changed.
  ///
  /// - Throws: When a session that was begun to ask can't be ended: the guest pays for it with every write.
  package func content(
    of vps: VPS,
    _ disk: ClonedDisk
  ) async throws(HypervisorError) -> KnownDisk? {
    let still = await StillContent(catalog: parts.catalog, datastore: parts.datastore)
      .index(of: vps.id, device: disk.device, at: disk.path, format: disk.format.rawValue)
    // It is all or nothing: what was written to at all isn't vouched for.
    if let still { return KnownDisk(index: still, changes: []) }
    guard disk.format == .qcow2 else { return nil }
    do throws(BackupStop) {
      return try await recorded(of: vps, disk)
    } catch {
      parts.logger.notice(
        "a target's record of changes can't be used",
        metadata: ["job.id": "\(disk.job)", "disk": "\(disk.device)", "error": "\(error)"]
      )
      if disk.flushCount != nil { try await endSession(of: vps, job: disk.job) }
      return nil
    }
  }

  /// Ends the session that an attempt of a job may have left.
  ///
  /// - Throws: When it can't be told whether there is one, or it can't be ended.
  package func endSession(of vps: VPS, job: JobID) async throws(HypervisorError) {
    try await session(vps, job).end()
  }

  private func session(_ vps: VPS, _ job: JobID) -> ChangeSession {
    ChangeSession(
      parts: parts,
      node: vps.node,
      reference: vps.reference,
      directory: "\(parts.runtimeDirectory)/\(job)"
    )
  }

  /// What its own latest backup shows, and what its bitmap says was written since.
  private func recorded(of vps: VPS, _ disk: ClonedDisk) async throws(BackupStop) -> KnownDisk? {
    let domain = try await fromHypervisor { () async throws(HypervisorError) in
      try await parts.hypervisor.domain(vps.reference)
    }
    let seen = try await fromHypervisor { () async throws(HypervisorError) in
      try await parts.observer.observation(of: domain)
    }
    let disks = try await ChainSearch.disks(seen, of: domain)
    var search = try await ChainSearch(parts).parent(of: vps.id, domain, disks)
    // A clone's bitmap is read by itself.
    if disk.flushCount == nil { search = search.alone(among: domain.checkpointNames) }
    guard case .parent(let parent) = search, let index = parent.indexes[disk.device],
      let record = parent.disks.first(where: { $0.device == disk.device })
    else { return nil }
    if let flushCount = disk.flushCount {
      guard FlushProof.holds(checkpoint: record.flushCount, copy: flushCount) else { return nil }
      let changes = try await session(vps, disk.job).changes(
        of: disk.device,
        at: disk.path,
        size: index.size,
        since: parent.checkpointName
      )
      return changes.map { KnownDisk(index: index, changes: $0) }
    }
    let changes = try await changes(in: disk.clonePath, index.size, parent.checkpointName)
    return KnownDisk(index: index, changes: changes)
  }

  /// What the bitmap of a clone says; it can't be read if the image wasn't closed when it was cloned.
  private func changes(
    in clone: String,
    _ size: Int64,
    _ bitmap: String
  ) async throws(BackupStop) -> [Range<Int64>] {
    try await fromDisks { () async throws(DiskError) in
      let opened = try await parts.opening.marked(clone, bitmap, parts.runtimeDirectory)
      return try await opened.changes(inChunksOf: parts.settings.chunkBytes, ofDisk: size)
    }
  }
}
