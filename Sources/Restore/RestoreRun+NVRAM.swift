import Disks
package import Hypervisor
import Logging
import Model
import Operations

// What a target's UEFI stores outside its disks. It belongs to the disks that were there when it was
// stored: a rollback and an undo bring it back with them, and a new disk begins with what is there.

extension RestoreRun {
  /// Refuses, before anything is staged and again before the target is stopped, what can't be kept and
  /// put back.
  func checkNVRAM(of domain: DomainDescription) async throws(StepStop) {
    guard let path = domain.keptNVRAMPath else { return }
    do throws(DiskError) {
      _ = try await RuntimeDirectory.ensure(parts.settings.undoDirectory, mode: 0o700)
      try await KeptFile.check(path)
    } catch {
      parts.logger.error(
        "NVRAM can't be kept",
        metadata: ["job.id": "\(job.id)", "path": "\(path)", "error": "\(error)"]
      )
      throw .because(.internalError, "What the target's firmware stores can't be kept.")
    }
  }

  /// Keeps what the stopped target's firmware has stored.
  ///
  /// Each attempt has a copy of its own: a worker that comes late must write over none but its own.
  func keepNVRAM() async throws(StepStop) -> KeptNVRAM? {
    guard let path = journal.stop?.nvramPath else { return nil }
    let kept = KeptNVRAM(path: path, copy: copyPath(of: job.attempts))
    try await fromDisks { () async throws(DiskError) in
      try await KeptFile.keep(path, as: kept.copy)
    }
    return kept
  }

  /// In an undo puts there what belongs to the disks that it brings back.
  func exchangeNVRAM() async throws(StepStop) {
    guard kind == .undo, let former = journal.stage?.nvram, let path = journal.stop?.nvramPath
    else { return }
    // Where the target has its own by now: what is at the place it had then may be another machine's.
    try await putBack(KeptNVRAM(path: path, copy: former.copy))
  }

  /// Puts there what was there before this job.
  func revertNVRAM() async throws(StepStop) {
    guard let kept = journal.nvram else { return }
    try await putBack(kept)
  }

  private func putBack(_ kept: KeptNVRAM) async throws(StepStop) {
    do throws(DiskError) {
      try await KeptFile.putBack(kept.copy, to: kept.path)
    } catch .notFound {
      throw .operatorNeeded("What the target's firmware had stored isn't where it was kept.")
    } catch {
      throw StepStop(error)
    }
  }

  /// Removes the copies of this job's attempts but the one that an undo needs.
  func removeKeptNVRAM(except needed: KeptNVRAM? = nil) async throws(StepStop) {
    guard journal.stop?.nvramPath != nil else { return }
    for attempt in 1...max(1, job.attempts) where copyPath(of: attempt) != needed?.copy {
      try await remove(copyPath(of: attempt))
    }
  }

  /// Removes what the undone restore had kept.
  func removeFormerNVRAM() async throws(StepStop) {
    guard kind == .undo, let former = journal.stage?.nvram else { return }
    try await remove(former.copy)
  }

  /// Removes the copy of this attempt, whose worker has lost the job before it was journaled.
  func removeOwnNVRAM() async throws(StepStop) {
    guard journal.stop?.nvramPath != nil else { return }
    try await remove(copyPath(of: job.attempts))
  }

  private func remove(_ copy: String) async throws(StepStop) {
    try await fromDisks { () async throws(DiskError) in
      try await FileRemoval.remove(copy)
      try await FileRemoval.remove("\(copy).partial")
    }
  }

  private func copyPath(of attempt: Int) -> String {
    "\(parts.settings.undoDirectory)/\(job.id)-\(attempt).nvram"
  }
}

extension DomainDescription {
  /// The file in which the firmware stores what isn't on the disks; nil: there is none on this host.
  package var keptNVRAMPath: String? { nvramPath.flatMap { $0.hasPrefix("/") ? $0 : nil } }
}
