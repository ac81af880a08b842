import Foundation
import GRDB
import Model

/// One row, read column by column; a value that isn't what the schema promises is an error.
struct Columns {
  private let row: Row

  init(_ row: Row) {
    self.row = row
  }

  func text(_ column: String) throws(CatalogError) -> String {
    try require(textIfAny(column), column)
  }

  func textIfAny(_ column: String) -> String? { row[column] }

  func integer(_ column: String) throws(CatalogError) -> Int64 {
    try require(integerIfAny(column), column)
  }

  func integerIfAny(_ column: String) -> Int64? { row[column] }

  func flag(_ column: String) throws(CatalogError) -> Bool { try integer(column) != 0 }

  func bytes(_ column: String) throws(CatalogError) -> [UInt8] {
    let data: Data? = row[column]
    return Array(try require(data, column))
  }

  func moment(_ column: String) throws(CatalogError) -> Timestamp {
    Timestamp(milliseconds: try integer(column))
  }

  func momentIfAny(_ column: String) -> Timestamp? {
    integerIfAny(column).map { Timestamp(milliseconds: $0) }
  }

  func identifier<Kind>(_ column: String) throws(CatalogError) -> Identifier<Kind> {
    try require(Identifier<Kind>(text(column)), column)
  }

  func identifierIfAny<Kind>(_ column: String) throws(CatalogError) -> Identifier<Kind>? {
    guard let text = textIfAny(column) else { return nil }
    return try require(Identifier<Kind>(text), column)
  }

  /// One of the words of a closed list.
  func word<Word: RawRepresentable<String>>(_ column: String) throws(CatalogError) -> Word {
    try require(Word(rawValue: text(column)), column)
  }

  /// A value stored as JSON.
  func json<Value: Decodable>(_ column: String) throws(CatalogError) -> Value {
    try require(jsonIfAny(column), column)
  }

  /// A value stored as JSON, or nil.
  func jsonIfAny<Value: Decodable>(_ column: String) throws(CatalogError) -> Value? {
    guard let text = textIfAny(column) else { return nil }
    do {
      return try JSONDecoder().decode(Value.self, from: Data(text.utf8))
    } catch {
      throw .failed("the column \(column) holds malformed JSON")
    }
  }

  private func require<Value>(_ value: Value?, _ column: String) throws(CatalogError) -> Value {
    guard let value else { throw .failed("the column \(column) is malformed") }
    return value
  }
}

/// A value as the text of a JSON column: the same value always gives the same text.
func jsonText(_ value: some Encodable) throws(CatalogError) -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  do {
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  } catch {
    throw .failed("a value can't be written as JSON: \(error)")
  }
}

/// A value as the text of a JSON column, or nil.
func jsonTextIfAny(_ value: (some Encodable)?) throws(CatalogError) -> String? {
  guard let value else { return nil }
  return try jsonText(value)
}
