import Guest
import Model

/// A VPS's network as netplan text, and the seed that is made of it.
enum NetworkEntry {
  /// The longest seed of any network that is taken, in bytes.
  private static let longestSeed = 4 << 20

  static func check(_ bytes: [UInt8]) {
    guard let text = String(validating: bytes, as: UTF8.self),
      let network = try? NetworkConfiguration(text: text)
    else { return }
    precondition(text.utf8.count <= Limits.networkBytes, "a text is longer than any may be")
    precondition(!network.ethernets.isEmpty, "a network has no interface")
    precondition(network.addresses.allSatisfy { $0.contains("/") }, "an address has no length")
    _ = network.primaryAddress
    let seed = try? Seed(
      instanceID: "i-1",
      hostname: "one.example",
      network: network,
      macAddresses: addresses(for: network),
      userData: nil
    )
    guard let seed else { return }
    precondition(seed.networkConfig.utf8.count <= longestSeed, "a seed unfolds to megabytes")
    guard seed.networkConfig.utf8.count <= Limits.networkBytes else { return }
    guard let again = try? NetworkConfiguration(text: seed.networkConfig) else {
      preconditionFailure("a seed's network can't be read")
    }
    precondition(
      again.ethernets.map(\.id) == network.ethernets.map(\.id)
        && again.addresses == network.addresses,
      "a network changes on its way"
    )
  }

  /// The addresses that the network asks for, and others for the interfaces that name none.
  private static func addresses(for network: NetworkConfiguration) -> [String] {
    network.ethernets.prefix(64).enumerated().map { index, ethernet in
      let digits = String(index, radix: 16)
      return ethernet.macAddress ?? "52:54:00:00:00:\(digits.count < 2 ? "0" : "")\(digits)"
    }
  }
}
