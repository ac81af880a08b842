import Backup
import Disks
import Hypervisor
import Model
import Restore

/// Tells restores what backups know of their targets' disks.
struct KnownTargetMaps: TargetMaps {
  private let search: ContentSearch

  /// Makes it over what backups work with.
  init(_ search: ContentSearch) {
    self.search = search
  }

  func flushCount(of target: VPS, device: String) async -> Int64? {
    await search.flushCount(of: target, device: device)
  }

  func map(of target: VPS, _ disk: ClonedDisk) async throws(HypervisorError) -> TargetMap? {
    let known = try await search.content(of: target, disk)
    return known.map { TargetMap(index: $0.index, dirty: $0.changes) }
  }

  func endSession(of target: VPS, job: JobID) async throws(HypervisorError) {
    try await search.endSession(of: target, job: job)
  }
}
