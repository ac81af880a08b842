import Model

/// Who counts as one caller by address: an IPv4 address, or the /64 that an IPv6 host has to
/// itself.
package struct AddressBlock: Hashable, Sendable {
  private let bits: UInt64
  private let isVersion6: Bool

  /// The block of an address; callers whose address isn't known share one.
  package init(_ text: String?) {
    let bytes = text.flatMap { IPAddress($0) }?.bytes ?? []
    isVersion6 = bytes.count == 16
    bits = bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
  }
}
