/// A customer: owns VPSs, backups and API keys.
package struct Client: Sendable, Equatable, Codable {
  /// The client's identifier.
  package var id: ClientID
  /// The name operators know it by; unique.
  package var name: String
  /// When it was registered.
  package var createdAt: Timestamp

  /// Makes a client.
  package init(id: ClientID, name: String, createdAt: Timestamp) {
    self.id = id
    self.name = name
    self.createdAt = createdAt
  }
}

/// What an API key may do.
///
/// Stored and on the wire: append only.
package enum Scope: String, Sendable, Codable, CaseIterable {
  case readVM = "read:vm"
  case backupVM = "backup:vm"
  case powerVM = "power:vm"
  case writeVM = "write:vm"
}

/// An API key as it is kept: never its secret.
package struct APIKey: Sendable, Equatable, Codable {
  /// The key's identifier; its ULID stands in the key's text.
  package var id: KeyID
  /// Whose key it is.
  package var clientID: ClientID
  /// What it may do.
  package var scopes: [Scope]
  /// When it was made.
  package var createdAt: Timestamp
  /// When it ends; nil: never.
  package var expiresAt: Timestamp?
  /// When it was revoked; nil: it wasn't.
  package var revokedAt: Timestamp?
  /// What it is for, in its owner's words; nil: nobody said.
  package var name: String?
  /// When it opened something last, to about a minute; nil: never.
  package var lastUsedAt: Timestamp?
  /// The key in whose place it came; nil: none.
  package var replaces: KeyID?

  /// Makes a key's record.
  package init(
    id: KeyID,
    clientID: ClientID,
    scopes: [Scope],
    createdAt: Timestamp,
    expiresAt: Timestamp? = nil,
    revokedAt: Timestamp? = nil,
    name: String? = nil,
    lastUsedAt: Timestamp? = nil,
    replaces: KeyID? = nil
  ) {
    self.id = id
    self.clientID = clientID
    self.scopes = scopes
    self.createdAt = createdAt
    self.expiresAt = expiresAt
    self.revokedAt = revokedAt
    self.name = name
    self.lastUsedAt = lastUsedAt
    self.replaces = replaces
  }

  /// Whether the key opens anything at a moment.
  package func isUsable(at time: Timestamp) -> Bool {
    guard revokedAt == nil else { return false }
    guard let expiresAt else { return true }
    return time < expiresAt
  }
}

/// Text that must never be printed: every description of it is `***`.
package struct Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible,
  CustomReflectable
{
  private let value: String

  /// Wraps a secret.
  package init(_ value: String) {
    self.value = value
  }

  /// The secret itself; the call shows where it leaves its wrapping.
  package func reveal() -> String { value }

  package var description: String { "***" }
  package var debugDescription: String { "***" }
  package var customMirror: Mirror { Mirror(self, children: []) }
}

/// The text of an API key: `rh_<26 characters of the key's ULID>_<43 characters of base64url>`.
package struct KeyText: Sendable {
  /// Names the key to look up; not secret.
  package let id: KeyID
  /// The whole text, of which only the SHA-256 is stored.
  package let secret: Secret

  private static let randomLength = 43

  /// Reads a key's text; nil unless it has exactly the form of one.
  package init?(_ text: String) {
    // By bytes: finding characters in it would cost more than its hash, with each request.
    let bytes = Substring(text).utf8
    let start = "rh_".utf8
    guard bytes.count == start.count + ULID.textLength + 1 + Self.randomLength,
      bytes.starts(with: start)
    else { return nil }
    let name = bytes.dropFirst(start.count)
    let random = name.dropFirst(ULID.textLength)
    guard let ulid = ULID(Substring(name.prefix(ULID.textLength))),
      random.first == UInt8(ascii: "_"), random.dropFirst().allSatisfy(Self.isBase64URL)
    else { return nil }
    id = KeyID(ulid)
    secret = Secret(text)
  }

  /// Makes a new key's text with 32 random bytes.
  package init(id: KeyID, using generator: inout some RandomNumberGenerator) {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    var random: [UInt8] = []
    for _ in 0..<Self.randomLength - 1 {
      random.append(alphabet[Int.random(in: 0..<64, using: &generator)])
    }
    // 43 × 6 = 258 bits: the last character carries the upper four of its six only.
    random.append(alphabet[Int.random(in: 0..<16, using: &generator) << 2])
    self.id = id
    secret = Secret("rh_\(id.ulid)_\(String(decoding: random, as: UTF8.self))")
  }

  private static func isBase64URL(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}
