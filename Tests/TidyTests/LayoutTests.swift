import Foundation
import Testing

/// Which target may see which, and what every target has.
struct LayoutTests {
  /// Each system library and the one target that may import it.
  private static let wrappers = [
    "CLibdeflate": "Checksum", "CLibnbd": "NBD", "CLibvirt": "Libvirt", "CLinux": "Disks",
    "CSHA2": "Checksum", "CZstd": "Zstd",
  ]

  /// The order of the parts, from the top; nothing imports upward.
  private static let order: [Set<String>] = [
    ["rehome", "stages"], ["API", "Backup", "Care", "Monitoring", "Power", "Restore"],
    ["Operations"],
    ["Jobs"],
    ["Catalog", "Datastore", "Hypervisor", "Guest"], ["Disks"],
    ["Libvirt", "NBD", "Zstd", "Checksum"], ["Model"],
  ]

  /// What is there for tests, and may use them.
  private static let forTests: Set<String> = ["Simulation", "TestSupport", "simulate"]

  @Test(arguments: Project.sources)
  func `a system library is imported by its wrapper alone`(_ file: Project.File) {
    for module in Self.imports(of: file) {
      guard let wrapper = Self.wrappers[module] else { continue }
      #expect(file.target == wrapper, "\(file.path) imports \(module)")
    }
  }

  @Test(arguments: Project.sources)
  func `nothing imports upward`(_ file: Project.File) {
    guard let own = Self.rank(of: file.target) else { return }
    for module in Self.imports(of: file) {
      guard let other = Self.rank(of: module) else { continue }
      #expect(other > own, "\(file.path) imports \(module)")
    }
  }

  @Test
  func `a power action sees no file of any VPS`() {
    for file in Project.sources where file.target == "Power" {
      let imported = Set(Self.imports(of: file))
      #expect(imported.isDisjoint(with: ["Datastore", "Disks", "Guest", "NBD"]), "\(file.path)")
    }
  }

  @Test(arguments: Project.sources)
  func `production code imports no test support`(_ file: Project.File) {
    guard !Self.forTests.contains(file.target) else { return }
    let imported = Self.imports(of: file)
    #expect(!imported.contains("TestSupport") && !imported.contains("Testing"), "\(file.path)")
  }

  @Test(arguments: Project.targets)
  func `every target has a front page`(_ target: String) {
    let page = Project.text("Sources/\(target)/\(target).docc/\(target).md")
    #expect(page.hasPrefix("# ``\(target)``\n"), "Sources/\(target)/\(target).docc/\(target).md")
    #expect(page.split(separator: "\n").count > 4, "the front page of \(target) says too little")
  }

  @Test
  func `every target of the manifest is in the order or a wrapper or a test`() {
    let manifest = Project.text("Package.swift")
    let known = Self.order.reduce(into: Set(Self.wrappers.keys)) { $0.formUnion($1) }
    for match in manifest.matches(of: /(?:arget|ibrary)\(\s*name: "([A-Za-z]+)"/) {
      let name = String(match.output.1)
      guard !name.hasSuffix("Tests"), !Self.forTests.contains(name) else { continue }
      #expect(known.contains(name), "\(name)")
    }
  }

  @Test
  func `every test target is run`() {
    let script = Project.text("Scripts/test.sh")
    let targets = Project.text("Package.swift").matches(of: /testTarget\(\s*name: "([A-Za-z]+)"/)
    #expect(targets.count > 10)
    for target in targets { #expect(script.contains(" \(target.output.1)"), "\(target.output.1)") }
  }

  @Test(arguments: Project.sources)
  func `every declaration that other targets see says what it is`(_ file: Project.File) {
    for (index, line) in file.lines.enumerated() where Self.isVisibleDeclaration(line) {
      #expect(
        Self.isDocumented(index, in: file.lines),
        "\(file.path):\(index + 1) has no summary"
      )
    }
  }

  private static func imports(of file: Project.File) -> [String] {
    file.lines.compactMap { line in
      let words = line.split(separator: " ")
      guard let keyword = words.firstIndex(of: "import"), keyword <= 2, keyword + 1 < words.count
      else { return nil }
      return String(words[words.count - 1].prefix { $0 != "." })
    }
  }

  private static func rank(of target: String) -> Int? {
    order.firstIndex { $0.contains(target) }
  }

  /// Types and free-standing functions; what a protocol asks for is documented there once.
  private static func isVisibleDeclaration(_ line: String) -> Bool {
    let words = line.split(separator: " ")
    guard words.first == "package" else { return false }
    let kinds: Set<Substring> = ["struct", "class", "enum", "actor", "protocol", "typealias"]
    return words.prefix(4).contains(where: kinds.contains)
  }

  private static func isDocumented(_ index: Int, in lines: [String]) -> Bool {
    var index = index - 1
    while index >= 0, lines[index].trimmingCharacters(in: .whitespaces).hasPrefix("@") {
      index -= 1
    }
    return index >= 0 && lines[index].trimmingCharacters(in: .whitespaces).hasPrefix("///")
  }
}
