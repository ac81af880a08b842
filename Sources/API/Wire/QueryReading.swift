import Foundation
package import Model

/// The parameters of a request's query, read one by one; every fault is kept.
package struct QueryFields {
  private var values: [String: [String?]] = [:]
  private var faults: [Fault] = []

  /// Splits a query as forms write it: `+` is a space.
  package init(_ query: String?) {
    for item in (query ?? "").split(separator: "&") {
      let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = Self.decoded(parts[0]) else { continue }
      values[name, default: []].append(parts.count == 2 ? Self.decoded(parts[1]) : "")
    }
  }

  /// A parameter's text; nil when it isn't there.
  package mutating func text(_ name: String) -> String? {
    guard let found = values[name], let first = found.first else { return nil }
    guard found.count == 1 else {
      add(name, .duplicateField, "The parameter `\(name)` is there more than once.")
      return nil
    }
    guard let first else {
      add(name, .invalidValue, "The parameter `\(name)` is not valid percent-encoded UTF-8.")
      return nil
    }
    return first
  }

  /// A text that the catalog is asked for; nil when it isn't there.
  package mutating func storedText(_ name: String) -> String? {
    guard let text = text(name) else { return nil }
    // A database ends a text at this character, and would find what was not asked for.
    guard !text.unicodeScalars.contains("\0") else {
      add(name, .invalidValue, "The parameter `\(name)` must not hold the character U+0000.")
      return nil
    }
    return text
  }

  /// A whole number within bounds, or its default when it isn't there.
  package mutating func integer(
    _ name: String,
    in range: ClosedRange<Int>,
    default standard: Int
  ) -> Int {
    guard let text = text(name) else { return standard }
    guard let number = Int(text), range.contains(number) else {
      let bounds = "\(range.lowerBound) to \(range.upperBound)"
      add(
        name,
        Int(text) == nil ? .invalidType : .invalidValue,
        "The parameter `\(name)` must be a whole number from \(bounds)."
      )
      return standard
    }
    return number
  }

  /// An IP address, however it is written; nil when it isn't there.
  package mutating func address(_ name: String) -> IPAddress? {
    guard let text = text(name) else { return nil }
    guard let address = IPAddress(text) else {
      add(name, .invalidValue, "The parameter `\(name)` must be an IPv4 or IPv6 address.")
      return nil
    }
    return address
  }

  /// How many items a page has at most; `standard` if nobody asks.
  package mutating func limit(standard: Int = Limits.pageDefault) -> Int {
    integer("limit", in: 1...Limits.pageMaximum, default: standard)
  }

  /// Ends the reading; parameters that nobody asked for are let pass, as caches and proxies add
  /// their own.
  ///
  /// - Throws: `Refusal.invalidRequest` with all faults found.
  package func finish() throws(Refusal) {
    guard faults.isEmpty else { throw .invalidRequest(faults) }
  }

  private mutating func add(_ name: String, _ code: FaultCode, _ detail: String) {
    faults.append(Fault(pointer: "/\(name)", code: code, detail: detail))
  }

  private static func decoded(_ text: Substring) -> String? {
    String(text).replacing("+", with: " ").removingPercentEncoding
  }
}
