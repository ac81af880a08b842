/// A block of IP addresses that begin with the same bits, as `10.0.0.0/8` or `2001:db8::/32`.
package struct AddressRange: Sendable, Equatable, CustomStringConvertible {
  package let description: String
  private let bytes: [UInt8]
  private let prefix: Int

  /// Reads `ADDRESS/PREFIX`, or one address alone; nil when bits after the prefix are set, because
  /// then somebody meant something else.
  package init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), let bytes = IPAddress(parts[0])?.bytes,
      let prefix = parts.count == 2 ? UInt8(parts[1]).map(Int.init) : bytes.count * 8,
      prefix <= bytes.count * 8, bytes == Self.masked(bytes, prefix)
    else { return nil }
    self.bytes = bytes
    self.prefix = prefix
    description = text
  }

  /// Whether an address is one of the block.
  package func contains(_ address: IPAddress) -> Bool {
    address.bytes.count == bytes.count && Self.masked(address.bytes, prefix) == bytes
  }

  private static func masked(_ bytes: [UInt8], _ prefix: Int) -> [UInt8] {
    bytes.enumerated().map { index, byte in
      let kept = min(8, max(0, prefix - index * 8))
      return kept == 0 ? 0 : byte & (0xFF << (8 - kept))
    }
  }
}
