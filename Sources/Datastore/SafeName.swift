/// The names that the format allows for backups, namespaces and archives.
///
/// They match `[A-Za-z0-9_][A-Za-z0-9._-]*`, so that none can be `..`, hidden, or lead out of its
/// folder.
enum SafeName {
  /// The longest name that file systems take.
  static let maximumByteCount = 255

  /// Whether `name` may stand as one part of a path in the store.
  static func isValid(_ name: some StringProtocol) -> Bool {
    let bytes = name.utf8
    guard let first = bytes.first, bytes.count <= maximumByteCount else { return false }
    return isWordByte(first)
      && bytes.allSatisfy { isWordByte($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
  }

  /// Throws unless `name` may stand as one part of a path in the store.
  static func check(_ name: String) throws(DatastoreError) {
    guard isValid(name) else { throw .invalidName(name) }
  }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}
