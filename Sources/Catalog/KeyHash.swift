import Crypto
import Foundation
package import Model

/// What is kept of an API key instead of its text.
///
/// A key's text carries 32 random bytes, so a plain SHA-256 is enough: there is nothing to guess.
package enum KeyHash {
  /// Length of a hash in bytes.
  static let byteCount = 32

  /// The SHA-256 of a key's whole text.
  package static func of(_ text: Secret) -> [UInt8] {
    Array(SHA256.hash(data: Data(text.reveal().utf8)))
  }

  /// Whether two hashes are equal, in a time that doesn't tell where they differ.
  package static func matches(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    return zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }
}
