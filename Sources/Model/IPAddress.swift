/// An IP address in its one normal form, so that two spellings of it are equal.
///
/// An IPv4 address inside IPv6 (`::ffff:192.0.2.1`) is the IPv4 address.
package struct IPAddress: Hashable, Sendable {
  /// Its 4 or 16 bytes.
  package let bytes: [UInt8]

  /// Longest text of an address, with room for a zone.
  private static let longestText = 64

  /// Reads an address without prefix length; a zone (`%eth0`) is left out.
  package init?(_ text: some StringProtocol) {
    guard text.utf8.count <= Self.longestText else { return nil }
    let plain = text.prefix { $0 != "%" }
    guard let bytes = plain.contains(":") ? Self.version6(plain) : Self.version4(plain) else {
      return nil
    }
    let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
    self.bytes = bytes.starts(with: mapped) ? Array(bytes.dropFirst(12)) : bytes
  }

  /// Takes over 4 or 16 bytes.
  package init(verified bytes: [UInt8]) {
    precondition(bytes.count == 4 || bytes.count == 16, "an address has 4 or 16 bytes")
    self.bytes = bytes
  }

  /// Whether only this machine or this link can reach it, so that everybody may have it.
  package var isLocal: Bool {
    if bytes.count == 4 { return bytes[0] == 127 || (bytes[0] == 169 && bytes[1] == 254) }
    return (bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80) || bytes.dropLast().allSatisfy { $0 == 0 }
  }

  /// Its one text: equal addresses have equal texts.
  package var text: String {
    if bytes.count == 4 { return bytes.map { String($0) }.joined(separator: ".") }
    return stride(from: 0, to: bytes.count, by: 2)
      .map { String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16) }
      .joined(separator: ":")
  }

  private static func version4(_ text: some StringProtocol) -> [UInt8]? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var bytes: [UInt8] = []
    for part in parts {
      // Some readers take a leading zero for base 8: such a text has no one meaning.
      guard part.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let byte = UInt8(part),
        part == "0" || !part.hasPrefix("0")
      else { return nil }
      bytes.append(byte)
    }
    return bytes
  }

  private static func version6(_ text: some StringProtocol) -> [UInt8]? {
    guard let gap = text.firstRange(of: "::") else {
      return groups(text).flatMap { $0.count == 16 ? $0 : nil }
    }
    guard let head = groups(text[..<gap.lowerBound]), let tail = groups(text[gap.upperBound...]),
      head.count + tail.count <= 14
    else { return nil }
    return head + Array(repeating: 0, count: 16 - head.count - tail.count) + tail
  }

  /// The bytes of groups between colons, the last of which may be an IPv4 address.
  private static func groups(_ text: some StringProtocol) -> [UInt8]? {
    guard !text.isEmpty else { return [] }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    var bytes: [UInt8] = []
    for (index, part) in parts.enumerated() {
      if index == parts.count - 1, part.contains(".") {
        guard let last = version4(part) else { return nil }
        bytes += last
      } else {
        guard (1...4).contains(part.utf8.count), part.allSatisfy({ $0.isASCII && $0.isHexDigit }),
          let group = UInt16(part, radix: 16)
        else { return nil }
        bytes += [UInt8(group >> 8), UInt8(group & 0xFF)]
      }
    }
    return bytes.count <= 16 ? bytes : nil
  }
}
