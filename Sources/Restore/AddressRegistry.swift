import Catalog
import Model

/// The addresses that VPSs hold.
struct AddressRegistry: Sendable {
  private let held: [(vps: VPSID, addresses: [String])]

  /// Reads them all: each network is a text that has to be understood.
  init(_ transaction: any CatalogTransaction) throws(CatalogError) {
    held = try transaction.listVPS(VPSFilter()).map { ($0.id, $0.network?.addresses ?? []) }
  }

  /// Those of all VPSs but one.
  func addresses(besidesThoseOf own: VPSID) -> [String] {
    held.filter { $0.vps != own }.flatMap(\.addresses)
  }
}
