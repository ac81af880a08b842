/// Rows in aligned columns.
struct Table {
  /// On which side a column's texts line up.
  enum Alignment {
    case left, right
  }

  private let titles: [String]
  private let alignments: [Alignment]
  private var rows: [[String]] = []

  /// Makes an empty table; a title that ends in `>` makes a column line up on the right.
  init(_ titles: String...) {
    self.titles = titles.map { $0.hasSuffix(">") ? String($0.dropLast()) : $0 }
    alignments = titles.map { $0.hasSuffix(">") ? .right : .left }
  }

  /// Adds a row; what is missing is shown as a dash.
  mutating func add(_ cells: String?...) {
    rows.append(cells.map { Self.printable($0 ?? "-") })
  }

  /// The table as text, or a sentence when it has no rows.
  func text(whenEmpty sentence: String) -> String {
    guard !rows.isEmpty else { return sentence }
    // Without titles the rows stand alone.
    let all = titles.allSatisfy(\.isEmpty) ? rows : [titles] + rows
    let widths = titles.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
    return all.map { row in
      let cells = row.indices.map { column in
        let padding = String(repeating: " ", count: widths[column] - row[column].count)
        return alignments[column] == .right ? padding + row[column] : row[column] + padding
      }
      return cells.joined(separator: "  ").trimmedAtEnd
    }.joined(separator: "\n")
  }

  /// Names come from clients: none may move the cursor.
  static func printable(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { scalar in
          scalar.properties.generalCategory == .control ? "?" : scalar
        }
      )
    )
  }
}

/// Names and their values, one a line, the values lined up.
struct Fields {
  private var lines: [(name: String, value: String)] = []

  /// Adds a line; without a value it is left out.
  mutating func add(_ name: String, _ value: String?) {
    if let value { lines.append((name, Table.printable(value))) }
  }

  /// The lines.
  var text: String {
    let width = lines.map(\.name.count).max() ?? 0
    return lines.map { line in
      line.name + String(repeating: " ", count: width - line.name.count + 2) + line.value
    }.joined(separator: "\n")
  }
}

extension String {
  fileprivate var trimmedAtEnd: String {
    var text = self
    while text.last == " " { text.removeLast() }
    return text
  }
}
