package import Catalog
package import Hypervisor
package import Logging
package import Model

/// Keeps the stored observations of a node's VPSs fresh: at start, on libvirt's events, and at
/// intervals.
package struct ObservationRefresh: Sendable {
  private let catalog: any Catalog
  private let observer: HostObserver
  private let node: String
  private let logger: Logger

  /// Makes the refresh of one node's observations.
  package init(catalog: any Catalog, observer: HostObserver, node: String, logger: Logger) {
    self.catalog = catalog
    self.observer = observer
    self.node = node
    self.logger = logger
  }

  /// Looks at every VPS of the node and stores what is seen.
  package func refreshAll() async {
    do throws(CatalogFault) {
      let node = node
      let all = try await catalog.read { try $0.listVPS(VPSFilter(node: node)) }
      let users = all.isEmpty ? nil : await fileUsers()
      for vps in all {
        guard try await refresh(vps, beside: users) else { return }
      }
    } catch {
      logger.warning("observations not stored", metadata: ["error": "\(error)"])
    }
  }

  /// Looks at the VPS of one domain, if there is one.
  package func refresh(domain uuid: String) async {
    do throws(CatalogFault) {
      let node = node
      let all = try await catalog.read { try $0.listVPS(VPSFilter(node: node)) }
      guard let vps = all.first(where: { $0.domainUUID == uuid }) else { return }
      _ = try await refresh(vps)
    } catch {
      logger.warning("observation not stored", metadata: ["error": "\(error)"])
    }
  }

  /// Who uses which files; nil when it can't be told, and each look asks for itself.
  private func fileUsers() async -> FileUsers? {
    do throws(HypervisorError) {
      return try await observer.fileUsers()
    } catch {
      logger.warning("files of domains not listed", metadata: ["error": "\(error)"])
      return nil
    }
  }

  /// Looks at one VPS; false when the hypervisor is away, so that looking on is idle.
  private func refresh(
    _ vps: VPS,
    beside users: FileUsers? = nil
  ) async throws(CatalogFault) -> Bool {
    var observed: Observation
    do throws(HypervisorError) {
      observed = try await observer.observe(vps.reference, beside: users)
    } catch .unavailable(let reason) {
      logger.warning("hypervisor away", metadata: ["reason": "\(reason)"])
      return false
    } catch {
      logger.warning(
        "VPS not observed",
        metadata: ["vps.id": "\(vps.id)", "error": "\(error)"]
      )
      return true
    }
    // A machine that is off, or whose agent is silent for a while, still has its system.
    observed.operatingSystem = vps.observation?.operatingSystem
    if observed.powerState == .running,
      let system = await observer.operatingSystem(of: vps.reference)
    {
      observed.operatingSystem = system
    }
    let seen = observed
    try await catalog.write { try $0.setObservation(seen, of: vps.id) }
    return true
  }
}

extension VPS {
  /// How its domain is found.
  package var reference: DomainReference {
    DomainReference(name: domainName, uuid: domainUUID)
  }
}
