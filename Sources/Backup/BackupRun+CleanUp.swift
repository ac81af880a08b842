import Catalog
import Datastore
import Disks
import Foundation
import Hypervisor
import Jobs
import Model
import Operations
import Synchronization

extension BackupRun {
  /// Puts right what a worker that died has left: a frozen guest, a session, a snapshot.
  func cleanUp(after backup: Backup, _ vps: VPS) async throws(BackupStop) {
    guard job.attempts > 1 else { return }
    let directory = sessionDirectory
    let scratch = try await fromHypervisor { () async throws(HypervisorError) in
      try await parts.hypervisor.backupScratchPaths(of: vps.reference)
    }
    // Behind each wait: the job may have become another worker's, whose session, checkpoint and
    // snapshot are those of a good backup by now.
    try await confirmLease()
    // Only a session whose scratch files carry our job's name is ours to end.
    if let scratch, scratch.contains(where: { $0.hasPrefix(directory + "/") }) {
      try await endSession(of: vps.reference, directory)
    }
    let domain = try await fromHypervisor { () async throws(HypervisorError) in
      try await parts.hypervisor.domain(vps.reference)
    }
    // Stopped for an error it has no agent that answers.
    try await resumeIfStopped(vps.reference)
    if domain.isAgentConnected {
      debts.withLock { $0.thaw = true }
      await thaw(vps.reference)
    }
    let checkpoints = try await checkpointsOfEarlierAttempts()
    try await confirmLease()
    // The checkpoints after it: one that begins late brings its own.
    try await closeSession(of: vps.reference, directory)
    try await confirmLease()
    await removeCheckpoints(checkpoints, of: vps.reference)
    guard let path = backup.snapshotPath.flatMap(SnapshotPath.init(relative:)) else { return }
    try await confirmLease()
    try await fromDatastore { () async throws(DatastoreError) in
      do throws(DatastoreError) {
        try await parts.datastore.remove(path)
      } catch .snapshotNotFound {
        // The attempt before has removed it already.
        return
      } catch {
        throw error
      }
    }
    debts.withLock { $0.snapshot = false }
  }

  /// What this job's attempts before this one have begun and can't have completed.
  private func checkpointsOfEarlierAttempts() async throws(BackupStop) -> [String] {
    let steps = try await fromJournal { () async throws(JobInterruption) in
      try await context.journal()
    }
    return steps.filter { $0.name == BackupStep.session.rawValue && $0.phase == .begun }
      .compactMap { step in
        let record = try? JSONDecoder().decode(SessionRecord.self, from: Data(step.detail.utf8))
        return record?.checkpoint
      }
  }
}
