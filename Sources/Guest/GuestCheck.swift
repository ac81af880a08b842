package import Model

/// Judges whether a guest came up with the addresses that are its own.
package enum GuestCheck {
  /// What the addresses that a guest shows say about it.
  package enum Verdict: Equatable, Sendable {
    /// It holds every address that it should.
    case confirmed
    /// It lacks at least one.
    case mismatch
    /// It holds one that is another VPS's: its links must go down at once.
    case foreign(address: String)
  }

  /// Judges what a guest's agent shows.
  ///
  /// A foreign address outweighs everything else. A guest that gets its addresses by DHCP only is
  /// confirmed by any address that others can reach. What the agent says is the guest's word: it
  /// is bounded here, and what can't be read counts as not said.
  ///
  /// - Parameters:
  ///   - network: The VPS's network; nil: DHCP on every interface.
  ///   - shown: The addresses that the agent shows, with or without prefix length.
  ///   - others: The addresses that other VPSs hold, with or without prefix length.
  /// - Returns: The verdict.
  package static func verdict(
    network: NetworkConfiguration?,
    shown: [String],
    others: [String]
  ) -> Verdict {
    verdict(expected: network?.addresses ?? [], shown: shown, others: others)
  }

  /// Judges what a guest's agent shows against a list of addresses; empty: any will do.
  package static func verdict(
    expected: [String],
    shown: [String],
    others: [String]
  ) -> Verdict {
    let wanted = expected.map(IPInterface.init)
    let seen = shown.prefix(Limits.guestAddresses).compactMap(IPInterface.init)
    let own = Set(wanted.compactMap { $0?.address })
    let foreign = Dictionary(
      others.compactMap { text in IPInterface(text).map { ($0.address, text) } },
      uniquingKeysWith: { first, _ in first }
    )
    for address in seen.map(\.address) where !address.isLocal && !own.contains(address) {
      // The operator's spelling is reported, never the guest's.
      if let text = foreign[address] { return .foreign(address: String(text.prefix { $0 != "/" })) }
    }
    if wanted.isEmpty { return seen.contains { !$0.address.isLocal } ? .confirmed : .mismatch }
    let holdsAll = wanted.allSatisfy { want in
      guard let want else { return false }
      return seen.contains { $0.satisfies(want) }
    }
    return holdsAll ? .confirmed : .mismatch
  }
}
