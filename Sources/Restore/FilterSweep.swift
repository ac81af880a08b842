package import Catalog
package import Hypervisor
package import Logging
import Model
import Operations

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

  /// Removes those of this node's restores that are over, unless their target still names them.
  package func run() async {
    do {
      for name in try await hypervisor.filterNames() where try await isOver(name) {
        if try await hypervisor.removeFilter(named: name) {
          logger.info("network filter removed", metadata: ["filter": "\(name)"])
        }
      }
    } catch {
      logger.warning("network filters not swept", metadata: ["error": "\(error)"])
    }
  }

  private func isOver(_ name: String) async throws -> Bool {
    guard name.hasPrefix(NetworkFilter.namePrefix),
      let id = JobID(String(name.dropFirst(NetworkFilter.namePrefix.count))),
      // Another installation on this host may have filters too.
      let job = try await catalog.read({ try $0.job(id) }), job.node == node, job.state.isFinal
    else { return false }
    guard let vps = try await catalog.read({ try $0.vps(job.vpsID) }) else { return true }
    return await !isNamed(name, by: vps)
  }

  /// Whether a machine couldn't start without the filter: saved memory, or a definition that was made
  /// of the running one, names it.
  private func isNamed(_ name: String, by vps: VPS) async -> Bool {
    do throws(HypervisorError) {
      let domain = try await hypervisor.domain(vps.reference)
      let cards = domain.interfaces + domain.inactiveInterfaces
      return domain.hasManagedSave || cards.contains { $0.filter == name }
    } catch .domainMissing {
      return false
    } catch {
      return true
    }
  }
}
