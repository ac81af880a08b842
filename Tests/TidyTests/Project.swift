import Foundation
import Testing

/// The sources of this package as texts; what the tests of this target look at.
enum Project {
  /// One Swift file of ours.
  struct File: Sendable, CustomTestStringConvertible {
    /// Its path below the package's root.
    let path: String
    /// Its lines.
    let lines: [String]
    /// Its lines without comments and the contents of texts.
    let code: [String]

    init(path: String, lines: [String]) {
      self.path = path
      self.lines = lines
      code = Self.code(of: lines)
    }

    var testDescription: String { path }

    /// The target it belongs to.
    var target: String {
      let parts = path.split(separator: "/")
      return parts.count > 2 ? String(parts[1]) : ""
    }

    /// Its name.
    var name: String { String(path.split(separator: "/").last ?? "") }

    /// The lines without comments, and texts without their contents, so that words in them don't
    /// count; a text over several lines loses its contents, too.
    private static func code(of lines: [String]) -> [String] {
      var isInText = false
      return lines.map { line in
        guard line.contains("\"") || line.contains("/") || isInText else { return line }
        let marks = line.ranges(of: "\"\"\"").count
        defer { if marks % 2 == 1 { isInText.toggle() } }
        return isInText || marks > 0 ? "" : stripped(line)
      }
    }

    private static func stripped(_ line: String) -> String {
      var result = ""
      var isInText = false
      var previous: Character = " "
      for character in line {
        if character == "\"", previous != "\\" { isInText.toggle() }
        if !isInText, character == "/", previous == "/" { return String(result.dropLast()) }
        if !isInText { result.append(character) }
        previous = character
      }
      return result
    }
  }

  /// The package's root.
  static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path(percentEncoded: false)

  /// Every Swift file below `Sources` and `Tests`.
  static let files: [File] = (files(below: "Sources") + files(below: "Tests")).sorted {
    $0.path < $1.path
  }

  /// Every Swift file below `Sources`.
  static var sources: [File] { files.filter { $0.path.hasPrefix("Sources/") } }

  /// The folders in `Sources` that hold Swift files.
  static var targets: [String] { Set(sources.map(\.target)).sorted() }

  /// The text of a file, or nothing when there is no such file.
  static func text(_ path: String) -> String {
    (try? String(contentsOfFile: "\(root)/\(path)", encoding: .utf8)) ?? ""
  }

  private static func files(below folder: String) -> [File] {
    let place = URL(filePath: "\(root)/\(folder)").resolvingSymlinksInPath()
    let enumerator = FileManager.default.enumerator(atPath: place.path(percentEncoded: false))
    var found: [File] = []
    while let path = enumerator?.nextObject() as? String {
      guard path.hasSuffix(".swift") else { continue }
      let full = "\(folder)/\(path)"
      let lines = text(full).split(separator: "\n", omittingEmptySubsequences: false)
      found.append(File(path: full, lines: lines.map(String.init)))
    }
    return found
  }
}

extension Project {
  /// The names of the pages in a folder.
  static func documents(below folder: String, ending: String = ".md") -> [String] {
    let found = try? FileManager.default.contentsOfDirectory(atPath: "\(root)/\(folder)")
    return (found ?? []).filter { $0.hasSuffix(ending) }.sorted()
  }
}
