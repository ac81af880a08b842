import Testing

/// Words that stand only where they may.
struct WordTests {
  /// A word, where it may stand, and what to do elsewhere.
  struct Ban: Sendable, CustomTestStringConvertible {
    let word: String
    let instead: String
    let isAllowed: @Sendable (Project.File) -> Bool

    var testDescription: String { word }

    init(
      _ word: String,
      instead: String,
      allowedWhere isAllowed: @escaping @Sendable (Project.File) -> Bool = { _ in false }
    ) {
      self.word = word
      self.instead = instead
      self.isAllowed = isAllowed
    }
  }

  private static let wrappers: Set<String> = ["Checksum", "Libvirt", "NBD", "Zstd"]

  static let bans = [
    Ban("Task {", instead: "a task group, so that nobody is left behind"),
    Ban("Task.detached", instead: "a task group, so that nobody is left behind"),
    Ban("try!", instead: "a typed error, or preconditionFailure with a sentence"),
    Ban("as!", instead: "a conditional cast"),
    Ban("print(", instead: "the log, or the program's console"),
    Ban("Date()", instead: "an injected WallClock"),
    Ban("Date.now", instead: "an injected WallClock") {
      $0.path == "Sources/Model/Timestamp.swift"
    },
    Ban("fatalError(", instead: "preconditionFailure with a sentence"),
    Ban("Thread.sleep", instead: "Task.sleep or a condition"),
    Ban("usleep(", instead: "Task.sleep or a condition"),
    Ban("LoggingSystem", instead: "a Logger that is handed in") {
      $0.path == "Sources/rehome/ProgramLog.swift"
    },
    Ban("unsafe ", instead: "a safe wrapper") { file in
      wrappers.contains(file.target) || file.target == "Disks"
        || file.name.hasSuffix("Executor.swift")
    },
    Ban("ProcessInfo.processInfo.environment", instead: "the configuration") {
      $0.target == "rehome" || $0.target == "TestSupport"
    },
  ]

  @Test(arguments: bans)
  func `banned words stand nowhere in the sources`(_ ban: Ban) {
    for file in Project.sources where !ban.isAllowed(file) {
      for (index, line) in file.code.enumerated() {
        #expect(
          !Self.contains(line, ban.word),
          "\(file.path):\(index + 1) says `\(ban.word)`; use \(ban.instead)"
        )
      }
    }
  }

  @Test(arguments: Project.files)
  func `nothing is left for later in a comment`(_ file: Project.File) {
    let marks = ["FIX" + "ME", "TO" + "DO", "XX" + "X:", "HA" + "CK"]
    for (index, line) in file.lines.enumerated() {
      for mark in marks {
        #expect(!line.contains(mark), "\(file.path):\(index + 1)")
      }
    }
  }

  @Test(arguments: Project.sources)
  func `unchecked sendability says why`(_ file: Project.File) {
    for (index, line) in file.code.enumerated() where line.contains("@unchecked Sendable") {
      let before = file.lines[max(0, index - 6)..<index]
      #expect(before.contains { $0.contains("//") }, "\(file.path):\(index + 1)")
    }
  }

  @Test(arguments: Project.files)
  func `no type is named after what it isn't`(_ file: Project.File) {
    let endings = ["Manager", "Helper", "Helpers", "Utils", "Util", "Impl"]
    for (index, line) in file.code.enumerated() {
      guard let name = Self.declaredType(line) else { continue }
      #expect(
        !endings.contains(where: name.hasSuffix),
        "\(file.path):\(index + 1) declares \(name)"
      )
    }
  }

  @Test(arguments: Project.sources)
  func `no type is named like its target`(_ file: Project.File) {
    // These targets are about one protocol or type, which nothing else could be called.
    guard !["Catalog", "Hypervisor", "Operations"].contains(file.target) else { return }
    for (index, line) in file.code.enumerated() where line.first != " " {
      #expect(Self.declaredType(line) != file.target, "\(file.path):\(index + 1)")
    }
  }

  /// A word counts only where it begins: `sprint(` isn't `print(`.
  private static func contains(_ line: String, _ word: String) -> Bool {
    line.ranges(of: word).contains { range in
      guard range.lowerBound > line.startIndex else { return true }
      let before = line[line.index(before: range.lowerBound)]
      return !(before.isLetter || before.isNumber || before == "_" || before == ".")
    }
  }

  private static func declaredType(_ line: String) -> String? {
    let kinds: Set<Substring> = ["struct", "class", "enum", "actor", "protocol"]
    let words = line.split(separator: " ")
    guard let kind = words.firstIndex(where: kinds.contains), kind + 1 < words.count,
      words[..<kind].allSatisfy({ $0.first?.isLetter == true || $0.first == "@" })
    else { return nil }
    let name = words[kind + 1].prefix { $0.isLetter || $0.isNumber || $0 == "_" }
    return name == "func" || name == "var" || name.isEmpty ? nil : String(name)
  }
}
