import Catalog
import Checksum
import Datastore
import Disks
import Foundation
import Hypervisor
import Model
import Synchronization
import TestSupport

/// Says what is wrong after backups have ended and what they left has been put right.
struct BackupJudge: Sendable {
  let world: World
  let backups: [(side: Work.Side, job: Job)]
  /// Whether a restore was done beside them, which has a judge of its own.
  let hasRestore: Bool
  let all: [VPS]

  init(world: World, scene: Play.Scene, _ all: [VPS]) {
    self.world = world
    backups = scene.backups
    hasRestore = scene.main != nil
    self.all = all
  }

  private var happened: [Happening] { world.course.happened }

  /// What is wrong with jobs, machines and files, as sentences.
  func complaints() async throws -> [String] {
    let rows = try await rows()
    var found: [String] = []
    for (_, job) in backups { found += await truth(of: job, rows) }
    found += folders(rows)
    for vps in all { found += try await machine(of: vps) }
    found += leftovers()
    return found
  }

  private func rows() async throws(CatalogFault) -> [Backup] {
    try await world.catalog.read { try $0.backups(in: Set(BackupState.allCases)) }
  }

  /// Whether a job and its row say the same.
  private func truth(of job: Job, _ rows: [Backup]) async -> [String] {
    guard let ended = await world.stored(job.id), case .backup(let task) = ended.task else {
      return ["the backup's job is gone"]
    }
    let row = rows.first { $0.id == task.backupID }
    guard ended.state != .completed else {
      let mayBeGone = happened.contains {
        $0 == .deed(.deleteBackup) || $0 == .deed(.terminate)
      }
      return row?.state == .complete || mayBeGone
        ? [] : ["the job succeeded, but its backup is \(row?.state.rawValue ?? "gone")"]
    }
    return row.map { ["a backup that came to nothing is \($0.state.rawValue)"] } ?? []
  }

  /// Every complete backup is whole, and what the disks held at one moment.
  func contents() async throws -> [String] {
    let rows = try await rows()
    let store = try world.openStore()
    var found: [String] = []
    var kept: [KeptBackup] = []
    for row in rows.sorted(by: { $0.id.text < $1.id.text }) {
      guard row.state == .complete else {
        found.append("a backup stays \(row.state.rawValue)")
        continue
      }
      let bytes: [[UInt8]]
      do throws(DatastoreError) {
        bytes = try await store.bytes(of: row)
      } catch {
        found.append("a complete backup can't be read: \(error)")
        continue
      }
      if let known = world.kept.withLock({ $0.first { $0.id == row.id } }) {
        if known.bytes != bytes { found.append("a complete backup has changed") }
      } else if !guest(of: row.vpsID).history.hasHeld(bytes) {
        found.append("a backup isn't what the disks held at one moment")
      }
      kept.append(KeptBackup(id: row.id, vps: row.vpsID, bytes: bytes))
    }
    let complete = kept
    world.kept.withLock { $0 = complete }
    return found
  }

  private func guest(of vps: VPSID) -> Guest {
    vps == all.first?.id ? world.guest : world.sourceGuest
  }

  /// Every snapshot that is there is named by a record, or another program's.
  private func folders(_ rows: [Backup]) -> [String] {
    let named = Set(rows.compactMap(\.snapshotPath))
    var found: [String] = []
    for vps in all {
      let foreign = world.foreignSnapshot(beside: vps)
      let group = "ns/\(vps.clientID.text)/vm/\(vps.id.text)"
      for name in Self.names(in: "\(world.folder)/store/\(group)") where name.hasSuffix("Z") {
        let path = "\(world.folder)/store/\(group)/\(name)"
        // One that a worker died in making before anything was in it is nobody's.
        if path == foreign || named.contains("\(group)/\(name)") || Self.names(in: path).isEmpty {
          continue
        }
        found.append("the snapshot \(name) is left behind")
      }
    }
    let theirs = world.foreignSnapshot(beside: all[all.count - 1])
    if Self.names(in: theirs).isEmpty { found.append("a snapshot of others was removed") }
    return found
  }

  /// Nothing of a backup is left on a machine, and its guest is as it was.
  private func machine(of vps: VPS) async throws -> [String] {
    let name = vps.domainName
    let machine: SimulatedHypervisor.Machine
    do throws(HypervisorError) {
      machine = try await world.hypervisor.change(name) { $0 }
    } catch {
      return []
    }
    var found: [String] = []
    if machine.backup != nil { found.append("a session of the \(name) is left behind") }
    if machine.isFrozen { found.append("the \(name) is frozen") }
    switch machine.description.state {
    case .paused, .pausedOnError: found.append("the \(name) is paused")
    default: break
    }
    let id = vps.id
    let known = try await world.catalog.read { try $0.checkpoint(of: id)?.name }
    let names = machine.description.checkpointNames.filter { $0 != known }
    if machine.description.state == .running, !names.isEmpty {
      found.append("\(names.count) checkpoints of the \(name) are left behind")
    }
    return found + disks(of: vps)
  }

  private func disks(of vps: VPS) -> [String] {
    let guest = guest(of: vps.id)
    if vps.id == all.first?.id, hasRestore { return [] }
    var found = guest.complaints
    if guest.side(of: world.paths(of: vps.domainName)) == nil {
      found.append("the disks of the \(vps.domainName) are mixed")
    }
    let folder = "\(world.folder)/\(vps.domainName)"
    let known = Set(world.paths(of: vps.domainName))
    // What an undo of the target needs may stand beside its disks.
    if vps.id != all.first?.id {
      for name in Self.names(in: folder)
      where !known.contains("\(folder)/\(name)") && !name.hasPrefix(".rehome-probe-") {
        found.append("\(name) is left behind")
      }
    }
    return found
  }

  private func leftovers() -> [String] {
    var found = Self.names(in: "\(world.folder)/run").map { "\($0) is left behind" }
    for name in all.map({ "\($0.id).lock" }) + ["node.lock"] {
      let path = "\(world.folder)/locks/\(name)"
      if FileManager.default.fileExists(atPath: path), !Judge.isFree(path) {
        found.append("the lock \(name) is held for ever")
      }
    }
    return found
  }

  private static func names(in folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
  }
}

extension LocalDatastore {
  /// Everything that a backup holds, disk by disk, each chunk checked.
  fileprivate func bytes(of backup: Backup) async throws(DatastoreError) -> [[UInt8]] {
    guard let path = backup.snapshotPath.flatMap(SnapshotPath.init(relative:)) else {
      throw .snapshotNotFound("")
    }
    let snapshot = try await open(path)
    let buffer = AlignedBuffer(capacity: Scenario.chunkSize)
    var disks: [[UInt8]] = []
    for disk in backup.contents?.disks ?? [] {
      guard let index = snapshot.indexes[disk.archive] else { throw .indexCorrupt(disk.archive) }
      var bytes: [UInt8] = []
      for (number, digest) in index.digests.enumerated() {
        let count = index.length(of: number)
        try await readChunk(digest, into: buffer, expecting: count)
        bytes = buffer.withBytes(count) { concatenate(bytes, $0) }
      }
      disks.append(bytes)
    }
    return disks
  }
}
