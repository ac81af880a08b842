import Testing

/// Whatever is too long to be read at once is read wrongly.
struct SizeTests {
  private static let longestFile = 500
  private static let longestFunction = 70

  @Test(arguments: Project.files)
  func `no file is longer than 500 lines`(_ file: Project.File) {
    #expect(file.lines.count <= Self.longestFile + 1, "\(file.path)")
  }

  @Test(arguments: Project.files)
  func `no function is longer than 70 lines`(_ file: Project.File) {
    for function in Self.functions(of: file) {
      #expect(
        function.length <= Self.longestFunction,
        "\(file.path):\(function.line) has \(function.length) lines"
      )
    }
  }

  /// Functions begin at a line with `func` or `init`, and end at the first closing brace of that
  /// line's own indentation: what the formatter leaves is that regular.
  private static func functions(of file: Project.File) -> [(line: Int, length: Int)] {
    let code = file.code
    return code.indices.compactMap { start in
      guard isFunction(code[start]), let brace = bodyStart(after: start, in: code) else {
        return nil
      }
      let end = String(repeating: " ", count: indentation(of: code[start])) + "}"
      let body = code[(brace + 1)...].firstIndex { $0.hasPrefix(end) }
      return body.map { (line: start + 1, length: $0 - start + 1) }
    }
  }

  private static func isFunction(_ line: String) -> Bool {
    let words = line.split(separator: " ").prefix { !$0.hasSuffix("{") }
    return words.contains { $0 == "func" || $0.hasPrefix("init(") || $0.hasPrefix("init?(") }
  }

  /// The line that opens the body; nil for what a protocol asks for and for what fits in one line.
  private static func bodyStart(after start: Int, in code: [String]) -> Int? {
    let own = indentation(of: code[start])
    for index in start..<code.count {
      let line = code[index]
      if index > start, indentation(of: line) <= own,
        !line.drop(while: { $0 == " " }).hasPrefix(")")
      {
        return nil
      }
      if line.hasSuffix("{") { return index }
      if line.contains("{") { return nil }
    }
    return nil
  }

  private static func indentation(of line: String) -> Int { line.prefix { $0 == " " }.count }
}
