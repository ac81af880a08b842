import Model

/// An IP address with the length of its network's prefix, if that is known.
struct IPInterface: Hashable, Sendable {
  /// The address.
  let address: IPAddress
  /// The prefix length in bits.
  let prefix: Int?

  /// Reads `ADDRESS` or `ADDRESS/PREFIX`.
  init?(_ text: String) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, let address = IPAddress(first) else { return nil }
    self.address = address
    guard parts.count == 2 else {
      prefix = nil
      return
    }
    guard let bits = UInt8(parts[1]), Int(bits) <= 128 else { return nil }
    prefix = Int(bits)
  }

  /// Whether this, which a guest shows, is what was asked for.
  func satisfies(_ wanted: IPInterface) -> Bool {
    guard address == wanted.address else { return false }
    guard let prefix, let wantedPrefix = wanted.prefix else { return true }
    return prefix == wantedPrefix
  }
}
