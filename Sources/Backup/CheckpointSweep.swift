package import Catalog
package import Hypervisor
package import Logging
import Model
import Operations

/// Removes the checkpoints of ours that no next backup will count from.
///
/// A backup that completes leaves the checkpoint before its own; one that dies leaves its own. Each
/// costs the guest a little with every write, so none stays for long.
package struct CheckpointSweep: Sendable {
  private let catalog: any Catalog
  private let hypervisor: any Hypervisor
  private let node: String
  private let logger: Logger

  /// Makes the sweep of one node.
  package init(
    catalog: any Catalog,
    hypervisor: any Hypervisor,
    node: String,
    logger: Logger
  ) {
    self.catalog = catalog
    self.hypervisor = hypervisor
    self.node = node
    self.logger = logger
  }

  /// Looks at every VPS of the node as it was last seen, and removes what is left over.
  package func run() async {
    do throws(CatalogFault) {
      let node = node
      let all = try await catalog.read { try $0.listVPS(VPSFilter(node: node)) }
      for vps in all {
        let seen = vps.observation?.ownCheckpoints ?? []
        if !seen.isEmpty { try await sweep(vps, seen) }
      }
    } catch {
      logger.warning("checkpoints not swept", metadata: ["error": "\(error)"])
    }
  }

  /// Removes those of `seen` that are left over; they were seen before this is called.
  private func sweep(_ vps: VPS, _ seen: [String]) async throws(CatalogFault) {
    // Asked after they were seen: whichever job set one of them has ended by now, or is told here.
    let found = try await catalog.read { transaction in
      (
        try transaction.unfinishedJob(of: vps.id, class: .data),
        try transaction.checkpoint(of: vps.id)
      )
    }
    guard found.0 == nil else { return }
    // Without its backup the newest one is left over, too.
    let newest = found.1.flatMap { $0.backupID == nil ? nil : $0.name }
    let names = seen.filter { $0 != newest }
    guard !names.isEmpty else { return }
    guard let left = await remove(names, of: vps) else { return }
    if !left.broken.isEmpty {
      // The chain first. What libvirt forgets it counts no more: were it the newest of a chain, the
      // next backup would take what was written since for unchanged.
      try await catalog.write { try $0.deleteCheckpoint(of: vps.id) }
      guard await forget(left.broken, of: vps) else { return }
    }
    let gone = Set(names).subtracting(left.refused)
    try await catalog.write { transaction in
      guard var observation = try transaction.vps(vps.id)?.observation else { return }
      observation.ownCheckpoints?.removeAll { gone.contains($0) }
      try transaction.setObservation(observation, of: vps.id)
    }
  }
  /// Removes checkpoints and tells which it couldn't; nil: it can't be told now.
  private func remove(_ names: [String], of vps: VPS) async -> CheckpointRemoval? {
    do throws(HypervisorError) {
      return try await hypervisor.deleteCheckpoints(of: vps.reference, named: names)
    } catch .domainMissing {
      return nil
    } catch {
      log(error, of: vps)
      return nil
    }
  }

  /// Makes libvirt forget checkpoints whose bitmaps are broken or gone; false if it couldn't.
  ///
  /// Its memory is all there is of them.
  private func forget(_ names: [String], of vps: VPS) async -> Bool {
    do throws(HypervisorError) {
      try await hypervisor.forgetCheckpoints(of: vps.reference, named: names)
      return true
    } catch {
      log(error, of: vps)
      return false
    }
  }

  private func log(_ error: HypervisorError, of vps: VPS) {
    logger.notice(
      "checkpoints not removed yet",
      metadata: ["vps.id": "\(vps.id)", "error": "\(error)"]
    )
  }
}
