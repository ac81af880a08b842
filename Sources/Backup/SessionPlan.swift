import Disks
import Hypervisor
import Model

/// What a session with a running domain needs to know before it begins.
struct SessionPlan: Sendable {
  var domain: DomainDescription
  var seen: Observation
  /// The disks as the checkpoint will remember them.
  var disks: [CheckpointDisk]
  /// The private directory with socket and scratch files.
  var directory: String
  /// The name of the checkpoint that begins with it.
  var checkpointName: String

  var socket: String { "\(directory)/nbd.sock" }

  /// The devices on which changes can be recorded.
  var recordingDevices: [String] { disks.filter(\.recordsChanges).map(\.device) }

  func scratchPath(of device: String) -> String { "\(directory)/\(device).scratch" }

  /// The scratch files with their budgets.
  func scratchFiles(_ budget: ScratchBudget) -> [ScratchWatch.File] {
    zip(seen.disks, budget.bytes).map {
      ScratchWatch.File(path: scratchPath(of: $0.device), budgetBytes: $1)
    }
  }

  /// The metadata context that tells the changes of a device.
  func changesContext(of device: String) -> String {
    disk(device, changesSince: nil).changesContext
  }

  /// What is asked of libvirt: changes since a parent's checkpoint, and a new checkpoint, or not.
  func request(building parent: ChainParent?, setsCheckpoint: Bool) -> BackupRequest {
    BackupRequest(
      socketPath: socket,
      disks: seen.disks.map { disk in
        let isKnown = parent?.indexes[disk.device] != nil
        return self.disk(disk.device, changesSince: isKnown ? parent?.checkpointName : nil)
      },
      checkpoint: setsCheckpoint
        ? BackupRequest.Checkpoint(name: checkpointName, devices: recordingDevices) : nil
    )
  }

  private func disk(_ device: String, changesSince checkpoint: String?) -> BackupRequest.Disk {
    BackupRequest.Disk(
      targetDevice: device,
      exportName: device,
      scratchPath: scratchPath(of: device),
      changesSince: checkpoint
    )
  }
}

/// A session that has begun.
struct BegunSession: Sendable {
  /// The backup that it builds on; nil: none.
  var parent: ChainParent?
  /// Why it builds on none.
  var fullReason: FullReadReason?
  /// Whether a checkpoint was set with it.
  var hasCheckpoint: Bool
  /// How long the guest was frozen; nil if it could not be.
  var frozen: Duration?
}
