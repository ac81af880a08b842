import GRDB

/// A list's query, put together from fixed texts; values only ever come in as parameters.
struct Query {
  private(set) var arguments = StatementArguments()
  private let start: String
  private var conditions: [String] = []

  init(_ start: String) {
    self.start = start
  }

  /// Adds a condition.
  mutating func require(_ condition: String) { conditions.append(condition) }

  /// Adds a condition on a value, if there is one.
  mutating func require(
    _ condition: String,
    _ name: String,
    _ value: (any DatabaseValueConvertible)?
  ) {
    guard let value else { return }
    conditions.append(condition)
    arguments += [name: value]
  }

  /// The whole text.
  mutating func sql(order: String, limit: Int?) -> String {
    var text = start
    if !conditions.isEmpty { text += " WHERE " + conditions.joined(separator: " AND ") }
    text += " ORDER BY \(order)"
    guard let limit else { return text }
    arguments += ["limit": limit]
    return text + " LIMIT :limit"
  }
}
