import Disks
import Hypervisor
import Jobs
import Logging
import Model

/// A disk's stage before anything is written to it.
struct MadeStage: Sendable {
  /// Where it is.
  var stage: Stage
  /// Whether an attempt that died has left it.
  var isLeft: Bool
  /// What is known of what it holds.
  var map: TargetMap?

  /// Whether it may hold anything; else it is empty.
  var holdsSomething: Bool { isLeft || stage.isClone }
}

extension RestoreRun {
  /// The stage of a disk: what an attempt that died has left, a clone of the disk, or an empty one.
  func madeStage(of disk: StagedDisk) async throws(StepStop) -> MadeStage {
    let format = try format(of: disk)
    if let left = try await leftStage(of: disk, format) {
      // Whatever it holds is compared, chunk by chunk, so that nothing hangs on what was durable.
      return MadeStage(stage: left, isLeft: true, map: nil)
    }
    if let clone = try await clonedStage(of: disk, format) { return clone }
    let stage = try await freshStage(of: disk, format, isCloneWanted: false)
    return MadeStage(stage: stage, isLeft: false, map: nil)
  }

  /// What an attempt that died has left of a disk's stage, to go on with.
  private func leftStage(
    of disk: StagedDisk,
    _ format: DiskFormat
  ) async throws(StepStop) -> Stage? {
    let id = job.id.text
    let found = try await fromDisks { () async throws(DiskError) in
      try await Stage.existing(for: disk.currentPath, job: id, disk: disk.device)
    }
    guard let found, try await isWhole(found, disk, format) else { return nil }
    parts.logger.info(
      "staging goes on",
      metadata: ["job.id": "\(job.id)", "disk": "\(disk.device)"]
    )
    return found
  }

  /// Whether what was left can be gone on with: one that was cut short in the making isn't of the disk's
  /// size, or no image, yet.
  private func isWhole(
    _ found: Stage,
    _ disk: StagedDisk,
    _ format: DiskFormat
  ) async throws(StepStop) -> Bool {
    switch format {
    case .raw:
      let size = try await fromDisks { () async throws(DiskError) in
        try await DiskImage.virtualSize(found.path, format: .raw)
      }
      return size == disk.sizeBytes
    case .qcow2:
      guard try await !isRepaired(found, disk) else { return true }
      // The check may have taken long, and what is left is about to be removed.
      try await confirmLease()
      return false
    }
  }

  /// Makes a qcow2 stage sound that a server wasn't done with.
  private func isRepaired(_ stage: Stage, _ disk: StagedDisk) async throws(StepStop) -> Bool {
    let isSound = try await repair(stage, disk, within: Limits.stageCheckLimit)
    guard isSound != nil || isLastAttempt else {
      // What ends with its worker is no reason to throw hours of work away.
      throw .because(
        .internalError,
        "What is staged of the disk \(disk.device) can't be looked at now.",
        isTransient: true
      )
    }
    return isSound == true
  }

  private func repair(
    _ stage: Stage,
    _ disk: StagedDisk,
    within limit: Duration
  ) async throws(StepStop) -> Bool? {
    let isSound = try await fromDisks { () async throws(DiskError) in
      try await stage.repair(
        like: disk.currentPath,
        virtualSize: disk.sizeBytes,
        within: limit
      )
    }
    if isSound != true, Task.isCancelled { throw .interrupted(.leaseLost) }
    return isSound
  }

  /// A clone of the target's disk, and what is known of it; nil where there can be none.
  private func clonedStage(
    of disk: StagedDisk,
    _ format: DiskFormat
  ) async throws(StepStop) -> MadeStage? {
    guard let room = try await cloneRoom(for: disk, format) else { return nil }
    let target = try requireTarget()
    let flushCount =
      format == .qcow2 ? await parts.maps.flushCount(of: target, device: disk.device) : nil
    let stage = try await freshStage(of: disk, format, isCloneWanted: true)
    guard stage.isClone else {
      try await giveBack(room)
      return MadeStage(stage: stage, isLeft: false, map: nil)
    }
    let cloned = ClonedDisk(
      device: disk.device,
      path: disk.currentPath,
      format: format,
      clonePath: stage.path,
      flushCount: flushCount,
      job: job.id
    )
    // Before a qcow2 is repaired, which takes its bitmaps away.
    let map = try await patiently { () async throws(HypervisorError) in
      try await parts.maps.map(of: target, cloned)
    }
    // Nothing is lost with it yet, so that a check that takes long or can't be made is no reason to wait.
    if format == .qcow2,
      try await repair(stage, disk, within: Limits.cloneCheckLimit) != true
    {
      parts.logger.notice(
        "a clone isn't sound, so the stage begins empty",
        metadata: ["job.id": "\(job.id)", "disk": "\(disk.device)"]
      )
      try await confirmLease()
      try await fromDisks { () async throws(DiskError) in
        _ = try await Stage.discard(stage.path, expecting: stage.stamp)
      }
      // Not before: until then the guest's writes to what is shared take it.
      try await giveBack(room)
      return nil
    }
    return MadeStage(stage: stage, isLeft: false, map: map)
  }

  /// Ends what an attempt that died while it asked for a map may have left in the hypervisor.
  func endLeftSession() async throws(StepStop) {
    let target = try requireTarget()
    try await patiently { () async throws(HypervisorError) in
      try await parts.maps.endSession(of: target, job: job.id)
    }
  }

  /// A new stage, in place of what an attempt that died may have left.
  private func freshStage(
    of disk: StagedDisk,
    _ format: DiskFormat,
    isCloneWanted: Bool
  ) async throws(StepStop) -> Stage {
    let id = job.id.text
    let stamp = Stamp(role: .new, job: id, disk: disk.device)
    return try await fromDisks { () async throws(DiskError) in
      try await Stage.discard(disk.stagedPath, expecting: stamp)
      return try await Stage.create(
        beside: disk.currentPath,
        format: format,
        virtualSize: disk.sizeBytes,
        job: id,
        disk: disk.device,
        isCloneWanted: isCloneWanted
      )
    }
  }
}
