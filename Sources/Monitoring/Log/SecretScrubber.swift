/// Takes API keys out of what is written for people.
///
/// Nothing of ours logs a header or a query; this is for a key in a place where it has no business:
/// a path, a name, another library's error.
package enum SecretScrubber {
  /// What a key begins with.
  private static let start = Array("rh_".utf8)
  /// A run of a key's characters as long as this holds some of its secret: the public part has 26
  /// characters and an underscore.
  private static let shortest = 28

  /// The text with `rh_***` for everything that looks like a key or the beginning of one.
  package static func scrub(_ text: String) -> String {
    // Most lines hold no underscore after an h: nothing is copied for them.
    guard mayHoldKey(text) else { return text }
    let bytes = Array(text.utf8)
    var kept: [UInt8] = []
    var index = 0
    var hasFound = false
    while index < bytes.count {
      if bytes[index...].starts(with: start) {
        let body = bytes[(index + start.count)...].prefix(while: isOfKey)
        if body.count >= shortest {
          kept += Array("rh_***".utf8)
          index += start.count + body.count
          hasFound = true
          continue
        }
      }
      kept.append(bytes[index])
      index += 1
    }
    return hasFound ? String(decoding: kept, as: UTF8.self) : text
  }

  private static func mayHoldKey(_ text: String) -> Bool {
    var previous: UInt8 = 0
    for byte in text.utf8 {
      if byte == UInt8(ascii: "_"), previous == UInt8(ascii: "h") { return true }
      previous = byte
    }
    return false
  }

  /// Base64url, and the percent sign with which a client may have escaped some of it.
  private static func isOfKey(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
      UInt8(ascii: "%"):
      true
    default: false
    }
  }
}
