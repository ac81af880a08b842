import Testing

/// What the documentation says is what the sources say.
struct DocumentationTests {
  private static let reference = "Sources/rehome/rehome.docc/Reference"

  /// The configuration keys as the program's one list has them.
  private static var keys: [String] {
    Project.text("Sources/rehome/Settings/SettingKey.swift")
      .matches(of: /case [A-Za-z]+ = "([A-Za-z.]+)"/).map { String($0.output.1) }
  }

  @Test
  func `every configuration key is documented with its variable`() {
    let page = Project.text("\(Self.reference)/Configuration.md")
    #expect(Self.keys.count > 10)
    for key in Self.keys {
      let variable = "REHOME_" + key.uppercased().replacing(".", with: "_")
      #expect(page.contains("`\(key)`"), "\(key)")
      #expect(page.contains("`\(variable)`"), "\(variable)")
    }
  }

  @Test
  func `every documented configuration key is read`() {
    let page = Project.text("\(Self.reference)/Configuration.md")
    for match in page.matches(of: /\n\| `([a-z]+\.[A-Za-z.]+)` \|/) {
      #expect(Self.keys.contains(String(match.output.1)), "\(match.output.1)")
    }
  }

  @Test
  func `every exit code is documented`() {
    let page = Project.text("\(Self.reference)/ExitCodes.md")
    let codes = Project.text("Sources/rehome/ExitStatus.swift")
      .matches(of: /case [a-zA-Z]+ = ([0-9]+)/).map { String($0.output.1) }
    #expect(codes.count == 6)
    for code in codes { #expect(page.contains("\n| \(code) |"), "\(code)") }
  }

  @Test
  func `every command has a file of its own and is in the manual`() {
    let manual = Project.text("\(Self.reference)/Commands.md")
    let commands = Project.sources.filter { $0.path.hasPrefix("Sources/rehome/Commands/") }
    #expect(commands.count > 20)
    for file in commands {
      let found = file.lines.compactMap { $0.firstMatch(of: /^\/\/\/ `(rehome [a-z ]+[a-z])/) }
      guard let name = found.first?.output.1 else { continue }
      #expect(manual.contains("`\(name)"), "\(name)")
    }
  }

  @Test
  func `decisions are numbered without a gap`() {
    let decisions = Project.documents(below: "Sources/rehome/rehome.docc/Decisions")
    let numbers = decisions.compactMap { Int($0.prefix(4)) }.sorted()
    #expect(!numbers.isEmpty)
    #expect(numbers == Array(1...max(1, numbers.count)))
    for name in decisions {
      let page = Project.text("Sources/rehome/rehome.docc/Decisions/\(name)")
      for part in ["## Context", "## Decision", "## Alternatives", "## Consequences"] {
        #expect(page.contains(part), "\(name) has no \(part)")
      }
    }
  }

  @Test(arguments: ["Promises", "Security"])
  func `every test that a promise leans on exists`(_ name: String) {
    let tests = Set(
      Project.files.flatMap(\.lines).compactMap { $0.firstMatch(of: /func `([^`]+)`/)?.output.1 }
    )
    let rows = Project.text("Sources/rehome/rehome.docc/Guides/\(name).md").split(separator: "\n")
      .filter { $0.hasPrefix("| ") }
    let named = rows.flatMap { row in
      (row.split(separator: "|").last ?? "").matches(of: /`([^`]+)`/).map { $0.output.1 }
    }
    #expect(named.count > 10)
    for test in named { #expect(tests.contains(test), "\(test)") }
  }

  @Test
  func `the README names the two commands and where to read on`() {
    let readme = Project.text("README.md")
    for words in ["make demo", "make test", "CONTRIBUTING.md", "CHANGELOG.md"] {
      #expect(readme.contains(words), "\(words)")
    }
  }

  @Test
  func `the licence is Apache 2`() {
    #expect(Project.text("LICENSE").contains("Apache License"))
  }
}
