import Catalog
import Hypervisor
import Jobs
import Logging
import Model

extension RestoreRun {
  /// Makes the target's next backup read everything.
  ///
  /// With other disks nothing holds that was recorded of changes, so this comes before the first
  /// disk is another one.
  func endBackupChain() async throws(StepStop) {
    let id = job.vpsID
    try await fromJournal { () async throws(JobInterruption) in
      try await context.change { try $0.deleteCheckpoint(of: id) }
    }
  }

  /// Makes libvirt forget the checkpoints of ours whose bitmaps went away with the disks.
  ///
  /// Nothing counts from them any more, so that a failure leaves no more than their names, which
  /// the sweep removes.
  func forgetOwnCheckpoints() async {
    do throws(StepStop) {
      let domain = try await describeTarget()
      let names = domain.checkpointNames.filter(CheckpointName.isOurs)
      guard !names.isEmpty else { return }
      try await patiently { () async throws(HypervisorError) in
        try await parts.hypervisor.forgetCheckpoints(of: domain.reference, named: names)
      }
    } catch {
      parts.logger.warning(
        "checkpoints not forgotten",
        metadata: ["job.id": "\(job.id)", "error": "\(error)"]
      )
    }
  }
}
