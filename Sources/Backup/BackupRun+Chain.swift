import Catalog
import Hypervisor
import Logging
import Model

extension BackupRun {
  /// Looks for an earlier backup of the VPS to build on.
  func findParent(
    _ domain: DomainDescription,
    _ disks: [CheckpointDisk]
  ) async throws(BackupStop) -> ParentSearch {
    try await ChainSearch(parts).parent(of: job.vpsID, domain, disks)
  }

  /// How often the guest had flushed its disks by now, for who asks later whether it has since.
  func countingFlushes(
    _ disks: [CheckpointDisk],
    of reference: DomainReference
  ) async -> [CheckpointDisk] {
    var counted = disks
    for place in counted.indices where counted[place].recordsChanges {
      do throws(HypervisorError) {
        counted[place].flushCount = try await parts.hypervisor.flushCount(
          of: reference,
          device: counted[place].device
        )
      } catch {
        parts.logger.notice(
          "flushes not counted",
          metadata: ["job.id": "\(job.id)", "error": "\(error)"]
        )
      }
    }
    return counted
  }

  /// Gives the chain of the VPS up: the row first, so that nobody builds on what goes next.
  func dropChain(of domain: DomainDescription) async throws(BackupStop) {
    let vpsID = job.vpsID
    try await fromCatalog { () async throws(CatalogFault) in
      try await parts.catalog.write { try $0.deleteCheckpoint(of: vpsID) }
    }
    let names = domain.checkpointNames.filter(CheckpointName.isOurs)
    guard !names.isEmpty else { return }
    do throws(HypervisorError) {
      let left = try await parts.hypervisor.deleteCheckpoints(of: domain.reference, named: names)
      // A bitmap that is broken or gone can't be removed; what libvirt knows of it can.
      try await parts.hypervisor.forgetCheckpoints(of: domain.reference, named: left.broken)
    } catch {
      // The sweep tries again.
      parts.logger.warning(
        "lost checkpoints not removed",
        metadata: ["job.id": "\(job.id)", "error": "\(error)"]
      )
    }
  }

  /// Removes a checkpoint of a backup that came to nothing; what stays is the sweep's.
  func removeCheckpoints(_ names: [String], of reference: DomainReference) async {
    guard !names.isEmpty else { return }
    do throws(HypervisorError) {
      _ = try await parts.hypervisor.deleteCheckpoints(of: reference, named: names)
    } catch {
      parts.logger.warning(
        "checkpoint of a failed backup not removed",
        metadata: ["job.id": "\(job.id)", "error": "\(error)"]
      )
    }
  }
}
