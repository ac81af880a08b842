/// What an identifier names: its prefix tells kinds apart in logs, URLs and support tickets.
package protocol IdentifierKind: Sendable {
  /// The text before the underscore, such as `vps`.
  static var prefix: String { get }
}

/// A typed public identifier: a prefix and a lowercase ULID, such as
/// `vps_01hxa3b4c5d6e7f8g9h0j1k2m3`.
package struct Identifier<Kind: IdentifierKind>: Hashable, Sendable {
  /// The ULID behind the prefix.
  package let ulid: ULID

  /// Wraps a ULID.
  package init(_ ulid: ULID) {
    self.ulid = ulid
  }

  /// Reads an identifier; nil for anything but exactly the canonical text.
  package init?(_ text: some StringProtocol) {
    let bytes = Substring(text).utf8
    let prefix = Kind.prefix.utf8
    guard bytes.count == prefix.count + 1 + ULID.textLength, bytes.starts(with: prefix) else {
      return nil
    }
    let rest = bytes.dropFirst(prefix.count)
    guard rest.first == UInt8(ascii: "_"), let ulid = ULID(Substring(rest.dropFirst()).utf8) else {
      return nil
    }
    self.ulid = ulid
  }

  /// The canonical text.
  package var text: String { "\(Kind.prefix)_\(ulid)" }
}

extension Identifier: CustomStringConvertible {
  package var description: String { text }
}

extension Identifier: Comparable {
  package static func < (left: Self, right: Self) -> Bool { left.ulid < right.ulid }
}

extension Identifier: Codable {
  package init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    guard let value = Self(text) else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "not a \(Kind.prefix) identifier")
      )
    }
    self = value
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }
}

/// Names a VPS.
package enum VPSKind: IdentifierKind { package static let prefix = "vps" }
/// Names a backup.
package enum BackupKind: IdentifierKind { package static let prefix = "bkp" }
/// Names a job.
package enum JobIDKind: IdentifierKind { package static let prefix = "job" }
/// Names one HTTP request.
package enum RequestKind: IdentifierKind { package static let prefix = "req" }
/// Names an API key.
package enum KeyKind: IdentifierKind { package static let prefix = "key" }
/// Names a client.
package enum ClientKind: IdentifierKind { package static let prefix = "cli" }
/// Names a backup schedule.
package enum ScheduleKind: IdentifierKind { package static let prefix = "bks" }

/// The identifier of a VPS.
package typealias VPSID = Identifier<VPSKind>
/// The identifier of a backup.
package typealias BackupID = Identifier<BackupKind>
/// The identifier of a job.
package typealias JobID = Identifier<JobIDKind>
/// The identifier of one HTTP request.
package typealias RequestID = Identifier<RequestKind>
/// The identifier of an API key.
package typealias KeyID = Identifier<KeyKind>
/// The identifier of a client.
package typealias ClientID = Identifier<ClientKind>
/// The identifier of a backup schedule.
package typealias ScheduleID = Identifier<ScheduleKind>
