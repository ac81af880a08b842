import Checksum
import Foundation
import Model

/// Where a list goes on: an opaque text that only the list which gave it out takes back, asked by
/// the same caller with the same filters.
///
/// It holds a version, a fingerprint of list, caller and filters, and the last item's position. It
/// is no secret and grants nothing: what a forged one reaches is what the list shows anyhow.
struct ListCursor: Sendable {
  private static let version: UInt8 = 2
  private static let fingerprintBytes = 8
  /// Longest cursor that is looked at, in characters: a position is an identifier.
  private static let maximumCharacters = 128

  private let head: [UInt8]

  /// Makes the cursors of one list; `filters` are all that decide what is in it, in their normal
  /// form, and the page's size isn't one of them.
  init(list: String, client: ClientID?, filters: [String?]) {
    var text = list
    for part in [client?.text] + filters {
      // The length in front keeps two filters from being taken for one.
      text += part.map { "\n\($0.utf8.count):\($0)" } ?? "\n-"
    }
    let digest = Array(text.utf8).withRawBytes { Digest(sha256: $0) }
    head = [Self.version] + digest.bytes.prefix(Self.fingerprintBytes)
  }

  /// The cursor after an item.
  func text(after position: String) -> String {
    Data(head + Array(position.utf8)).base64EncodedString()
      .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
  }

  /// The position in a cursor, if this list has given it out.
  func position(in cursor: String) throws(Refusal) -> String {
    guard cursor.utf8.count <= Self.maximumCharacters else { throw .invalidCursor }
    let base = cursor.replacing("-", with: "+").replacing("_", with: "/")
    let padded = base + String(repeating: "=", count: (4 - base.utf8.count % 4) % 4)
    guard let data = Data(base64Encoded: padded), data.starts(with: head),
      let position = String(validating: data.dropFirst(head.count), as: UTF8.self),
      // One position has one cursor: not another spelling of the same bytes.
      text(after: position) == cursor
    else { throw .invalidCursor }
    return position
  }
}
