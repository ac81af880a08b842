package import Catalog
package import Hypervisor
package import Logging
import Model

/// Removes the network filters of first boots that no machine is behind any more.
package struct FilterSweep: Sendable {
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

  /// Removes those of this node's VPSs that no job works on; libvirt keeps those in use.
  package func run() async {
    do {
      for name in try await hypervisor.filterNames() where try await isIdle(name) {
        if try await hypervisor.removeFilter(named: name) {
          logger.info("network filter removed", metadata: ["filter": "\(name)"])
        }
      }
    } catch {
      logger.warning("network filters not swept", metadata: ["error": "\(error)"])
    }
  }

  private func isIdle(_ name: String) async throws(CatalogFault) -> Bool {
    guard name.hasPrefix(NetworkFilter.namePrefix),
      let id = VPSID(String(name.dropFirst(NetworkFilter.namePrefix.count)))
    else { return false }
    return try await catalog.read { transaction in
      // Another installation on this host may have filters too.
      guard let vps = try transaction.vps(id), vps.node == node else { return false }
      return try transaction.standing(of: id).dataJobID == nil
    }
  }
}
