import Backup
import Disks
import Hypervisor
import Model

@testable import Restore

/// What composes backups and restores in the program.
struct KnownMaps: TargetMaps {
  let search: ContentSearch
  let hooks: RestoreWorld.Hooks

  func flushCount(of target: VPS, device: String) async -> Int64? {
    await hooks.countsFlushes(of: device)
    return await search.flushCount(of: target, device: device)
  }

  func map(of target: VPS, _ disk: ClonedDisk) async throws(HypervisorError) -> TargetMap? {
    await hooks.asksForMap()
    let known = try await search.content(of: target, disk)
    hooks.knows(disk.device, known != nil)
    await hooks.givesMap()
    return known.map { TargetMap(index: $0.index, dirty: $0.changes) }
  }

  func endSession(of target: VPS, job: JobID) async throws(HypervisorError) {
    try await search.endSession(of: target, job: job)
  }
}
