extension SeedReader {
  /// The kinds of image that cloud-init takes a seed from.
  enum Kind: Equatable {
    case iso9660, fat
  }

  /// The volume label of an ISO 9660 or FAT image; nil for everything else.
  static func label(
    of path: String
  ) async throws(SeedError) -> (kind: Kind, label: String)? {
    let head = try await SeedFileExecutor.run { calls throws(SeedError) in
      try calls.head(path, limit: isoDescriptor + sectorSize, following: true)
    }
    if let label = isoLabel(head) { return (.iso9660, label) }
    if let label = fatLabel(head) { return (.fat, label) }
    return nil
  }

  private static let sectorSize = 2048
  /// Where ISO 9660 keeps its first volume descriptor.
  private static let isoDescriptor = 16 * sectorSize

  private static func isoLabel(_ head: [UInt8]) -> String? {
    guard head.count == isoDescriptor + sectorSize else { return nil }
    let descriptor = head[isoDescriptor...]
    guard descriptor.starts(with: [1] + Array("CD001".utf8)) else { return nil }
    return text(descriptor.dropFirst(40).prefix(32))
  }

  /// Boot sectors of FAT12 and FAT16 have the label at 43, those of FAT32 at 71, each behind a
  /// signature byte and a serial number.
  private static func fatLabel(_ head: [UInt8]) -> String? {
    guard head.count >= 512, head[510] == 0x55, head[511] == 0xAA else { return nil }
    for (signature, kind) in [(38, "FAT1"), (66, "FAT32")] where head[signature] == 0x29 {
      guard head[(signature + 16)...].starts(with: kind.utf8) else { continue }
      return text(head[(signature + 5)...].prefix(11))
    }
    return nil
  }

  /// A padded label; one that isn't ASCII is no seed's.
  private static func text(_ bytes: ArraySlice<UInt8>) -> String? {
    guard bytes.allSatisfy({ $0 < 0x80 }) else { return nil }
    let text = String(decoding: bytes, as: UTF8.self)
    return String(text.prefix { $0 != "\0" }).trimmingSuffix { $0 == " " }
  }
}

extension String {
  /// The text without the characters at its end that meet a condition.
  fileprivate func trimmingSuffix(while isLeftOut: (Character) -> Bool) -> String {
    var rest = self[...]
    while let last = rest.last, isLeftOut(last) { rest.removeLast() }
    return String(rest)
  }
}
