import Foundation

/// The text form of journal records.
enum JournalText {
  static func of(_ record: some Encodable) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      return String(decoding: try encoder.encode(record), as: UTF8.self)
    } catch {
      preconditionFailure("journal records hold nothing that JSON can't")
    }
  }
}
