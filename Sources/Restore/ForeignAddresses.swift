import Catalog
import Model

extension VPSStore {
  /// The addresses that all VPSs but one hold.
  func addresses(besidesThoseOf own: VPSID) throws(CatalogError) -> [String] {
    try listVPS(VPSFilter())
      .filter { $0.id != own }.flatMap { $0.network?.addresses ?? [] }
  }
}
