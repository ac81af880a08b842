package import Yams

/// Reads YAML that somebody else wrote, within bounds.
///
/// The parser puts what an alias names in its place, so that ten lines can stand for more than any
/// memory holds, and looks at the whole of each key. So a text with aliases is read twice: first
/// with every alias as a word, to find out what it unfolds to; as it is only when that is bounded.
package enum BoundedYAML {
  /// Why a text isn't taken.
  package enum Fault: Error, Equatable, Sendable {
    /// It isn't YAML, in the parser's words.
    case malformed(String)
    /// With its aliases unfolded it has too many parts or bytes.
    case tooLarge
    /// It nests too deeply.
    case tooDeep
    /// A key isn't a single word.
    case compoundKey

    /// The fault in words for people, to stand behind a colon.
    package var sentence: String {
      switch self {
      case .malformed(let reason): reason
      case .tooLarge: "with its aliases it has too many parts"
      case .tooDeep: "it nests deeper than \(deepest) levels"
      case .compoundKey: "a key is more than a word"
      }
    }
  }

  /// Most parts of an unfolded text: no text of 64 KiB without aliases has more.
  private static let mostParts = 100_000
  /// Most bytes of all parts together.
  private static let mostBytes = 512 << 10
  /// Deepest nesting: netplan and our own settings come to a third of it.
  private static let deepest = 24
  /// What stands for the sign of an alias while it is a word; no keyboard writes it.
  private static let aliasMark: Unicode.Scalar = "\u{F8FE}"

  /// Reads one document; nil when there is none.
  package static func compose(_ text: String) throws(Fault) -> Node? {
    let words = replacing("*", with: aliasMark, in: text)
    let reader = try parser(of: words)
    // The parser alone keeps the names of anchors.
    defer { withExtendedLifetime(reader) {} }
    guard let node = try root(of: reader) else { return nil }
    var anchors: [String: Extent] = [:]
    _ = try extent(of: node, &anchors)
    return words == text ? node : try root(of: try parser(of: text))
  }

  private static func parser(of text: String) throws(Fault) -> Parser {
    do {
      return try Parser(yaml: text)
    } catch {
      throw malformed(error)
    }
  }

  private static func root(of parser: Parser) throws(Fault) -> Node? {
    do {
      return try parser.singleRoot()
    } catch {
      throw malformed(error)
    }
  }

  private static func malformed(_ error: any Error) -> Fault {
    .malformed(replacing(aliasMark, with: "*", in: "\(error)"))
  }

  /// By scalars, as the parser reads: a sign that joins the next one must not hide an alias.
  private static func replacing(
    _ scalar: Unicode.Scalar,
    with other: Unicode.Scalar,
    in text: String
  ) -> String {
    var scalars = String.UnicodeScalarView()
    scalars.append(contentsOf: text.unicodeScalars.lazy.map { $0 == scalar ? other : $0 })
    return String(scalars)
  }

  // MARK: - What a text unfolds to

  /// What a node takes when its aliases are unfolded.
  private struct Extent {
    var parts = 1
    var bytes = 0
    var height = 1
    var isWord = false

    mutating func add(_ inner: Extent) throws(Fault) {
      parts += inner.parts
      bytes += inner.bytes
      height = max(height, inner.height + 1)
      guard parts <= mostParts, bytes <= mostBytes else { throw .tooLarge }
      guard height <= deepest else { throw .tooDeep }
    }
  }

  private static func extent(
    of node: Node,
    _ anchors: inout [String: Extent]
  ) throws(Fault) -> Extent {
    var extent = Extent()
    switch node {
    case .scalar(let scalar):
      let scalars = scalar.string.unicodeScalars
      if scalars.first == aliasMark, let named = anchors[String(scalars.dropFirst())] {
        return named
      }
      extent.bytes = scalar.string.utf8.count
      extent.isWord = true
    case .sequence(let sequence):
      for element in sequence { try extent.add(try self.extent(of: element, &anchors)) }
    case .mapping(let mapping):
      for (key, value) in mapping {
        let name = try self.extent(of: key, &anchors)
        guard name.isWord else { throw .compoundKey }
        try extent.add(name)
        try extent.add(try self.extent(of: value, &anchors))
      }
    case .alias:
      break
    }
    if let anchor = node.anchor { anchors[anchor.rawValue] = extent }
    return extent
  }
}
