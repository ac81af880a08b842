import Catalog
import Datastore
import Foundation
import Hypervisor
import Model
import TestSupport

/// A way in which a backup loses what it could have built on.
enum ChainLoss: CaseIterable {
  case emulatorKilled
  case diskCopied
  case parentDeleted
  case parentDamaged
  case parentUnreadable
  case checkpointDeleted
  case domainReplaced
  /// The datastore has lost chunks: they are read again, but nothing else is.
  case chunksLost

  /// What the next backup says; nil: it builds on the earlier one all the same.
  var reason: FullReadReason? {
    switch self {
    case .emulatorKilled: .bitmapLost
    case .diskCopied: .disksChanged
    case .parentDeleted: .parentDeleted
    case .parentDamaged, .parentUnreadable: .parentDamaged
    case .checkpointDeleted: .checkpointLost
    case .domainReplaced: .domainChanged
    case .chunksLost: nil
    }
  }

  /// Makes it happen after a backup; the guest runs before and afterwards.
  func happen(
    to guest: MicroGuest,
    _ vps: VPS,
    _ last: BackupResult,
    _ world: RestoreWorld
  ) async throws {
    switch self {
    case .emulatorKilled:
      try await TestProcess.run("pkill", ["-KILL", "-f", "guest=\(guest.name),"])
      try await world.hypervisor.waitUntil(
        guest.reference,
        is: [.stopped, .crashed],
        within: .seconds(60)
      )
      try await guest.boot()
    case .diskCopied:
      try await world.shutDown(guest)
      let disk = DataDisk.path(of: guest)
      try await TestProcess.run("cp", ["-p", disk, "\(disk).copy"])
      try await TestProcess.run("mv", ["\(disk).copy", disk])
      try await guest.boot()
    case .parentDeleted:
      let path = try await world.snapshotPath(of: last.backupID)
      try await world.datastore.remove(path)
      try await world.catalog.write { try $0.deleteBackup(last.backupID) }
    case .parentDamaged:
      try await world.catalog.write { transaction in
        guard var backup = try transaction.backup(last.backupID) else { return }
        backup.state = .damaged
        try transaction.update(backup)
      }
    case .parentUnreadable:
      let path = try await world.snapshotPath(of: last.backupID)
      try FileManager.default.removeItem(
        atPath: "\(world.folder)/datastore/\(path.relative)/drive-virtio1.img.fidx"
      )
    case .checkpointDeleted:
      for name in try await guest.checkpoints() {
        try await guest.libvirt.virsh("checkpoint-delete", guest.name, name)
      }
    case .domainReplaced:
      try await world.catalog.write { transaction in
        guard var checkpoint = try transaction.checkpoint(of: vps.id) else { return }
        checkpoint.domainUUID = UUID().uuidString.lowercased()
        try transaction.setCheckpoint(checkpoint)
      }
    case .chunksLost:
      let chunks = "\(world.folder)/datastore/.chunks"
      for name in try FileManager.default.contentsOfDirectory(atPath: chunks) {
        try FileManager.default.removeItem(atPath: "\(chunks)/\(name)")
      }
    }
  }
}
