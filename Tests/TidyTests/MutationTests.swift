import Foundation
import Testing

/// The mutations that `make mutate` tries must be of the program as it is.
struct MutationTests {
  private static let folder = "Tests/Mutations"

  private static let names = Project.documents(below: folder, ending: ".diff")

  @Test(arguments: names)
  func `a mutation says what it breaks and which test tells`(_ name: String) {
    let mutation = Mutation(text: Project.text("\(Self.folder)/\(name)"))
    let promises = Project.text("Sources/rehome/rehome.docc/Guides/Promises.md")
    let promise = mutation.fields["Promise"]?.first ?? ""
    let row = promises.split(separator: "\n").first { $0.hasPrefix("| \(promise) |") }
    #expect(row != nil, "no such promise: \(promise)")
    #expect(mutation.fields["Mutation"]?.count == 1)
    let tests = mutation.fields["Test"] ?? []
    #expect(!tests.isEmpty)
    let target = mutation.fields["Target"]?.first ?? ""
    let code = Project.files.filter { $0.target == target }.flatMap(\.lines)
    for test in tests {
      #expect(code.contains { $0.contains("func `\(test)`") }, "\(target) has no \(test)")
      #expect(row?.contains("`\(test)`") == true, "the promise doesn't name \(test)")
    }
  }

  @Test(arguments: names)
  func `a mutation still finds what it takes out`(_ name: String) {
    let mutation = Mutation(text: Project.text("\(Self.folder)/\(name)"))
    #expect(!mutation.hunks.isEmpty)
    for hunk in mutation.hunks {
      #expect(hunk.path.hasPrefix("Sources/"))
      let text = "\n" + Project.text(hunk.path)
      #expect(text.contains("\n" + hunk.before.joined(separator: "\n") + "\n"), "\(hunk.path)")
    }
  }

  @Test func `every promise has a mutation`() {
    let rows = Project.text("Sources/rehome/rehome.docc/Guides/Promises.md").split(separator: "\n")
      .filter { $0.hasPrefix("| ") && $0.contains("`") }
      .compactMap { $0.split(separator: "|").first?.trimmingCharacters(in: .whitespaces) }
    let broken = Set(
      Self.names.flatMap {
        Mutation(text: Project.text("\(Self.folder)/\($0)")).fields["Promise"] ?? []
      }
    )
    #expect(rows.count > 50)
    for row in rows { #expect(broken.contains(row), "\(row)") }
  }
}

/// A patch with a head of fields, as `git apply` takes it.
private struct Mutation {
  struct Hunk {
    let path: String
    var before: [String] = []
  }

  private(set) var fields: [String: [String]] = [:]
  private(set) var hunks: [Hunk] = []

  init(text: String) {
    var path: String?
    for line in text.components(separatedBy: "\n") {
      if let field = line.wholeMatch(of: /([A-Z][a-z]+): (.+)/), path == nil, hunks.isEmpty {
        fields[String(field.output.1), default: []].append(String(field.output.2))
      } else if line.hasPrefix("--- a/") {
        path = String(line.dropFirst(6))
      } else if line.hasPrefix("+++ ") || line.hasPrefix("diff ") || line.hasPrefix("\\") {
        continue
      } else if line.hasPrefix("@@"), let path {
        hunks.append(Hunk(path: path))
      } else if let last = hunks.indices.last, line.hasPrefix(" ") || line.hasPrefix("-") {
        hunks[last].before.append(String(line.dropFirst()))
      }
    }
  }
}
