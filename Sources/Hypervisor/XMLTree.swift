import Foundation
import FoundationXML

/// An XML element as a plain value.
///
/// FoundationXML's own tree ends the process on some malformed documents and doesn't keep its
/// memory; its event parser does neither.
struct XMLTree: Sendable, Equatable {
  /// The name, with its prefix.
  var name: String
  var attributes: [String: String] = [:]
  var children: [XMLTree] = []
  /// The text right in this element, its parts joined.
  var text = ""

  /// libvirt's own limit for a message is 32 MiB; a domain's XML is a few KiB.
  private static let byteLimit = 8 * 1024 * 1024

  /// Reads a document whose root element must have the given name.
  init(parsing xml: String, root name: String) throws(HypervisorError) {
    guard xml.utf8.count <= Self.byteLimit else {
      throw .invalidXML("more than \(Self.byteLimit) bytes")
    }
    let builder = TreeBuilder()
    let parser = XMLParser(data: Data(xml.utf8))
    parser.delegate = builder
    guard parser.parse(), let root = builder.root else { throw .invalidXML("not well-formed") }
    guard root.name == name else { throw .invalidXML("the root element is not <\(name)>") }
    self = root
  }

  init(name: String, attributes: [String: String] = [:]) {
    self.name = name
    self.attributes = attributes
  }

  /// The child elements of this name.
  func elements(_ name: String) -> [XMLTree] {
    children.filter { $0.name == name }
  }

  /// The first child element of this name.
  func child(_ name: String) -> XMLTree? {
    children.first { $0.name == name }
  }

  /// The text of the first child element of this name; nil if it is missing or empty.
  func text(of name: String) -> String? {
    child(name)?.trimmedText
  }

  /// The element's text without the space around it; nil if nothing is left.
  var trimmedText: String? {
    let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
    return trimmed.isEmpty ? nil : trimmed
  }

  /// The element as XML again, attributes sorted; space between elements is not kept.
  var xml: String {
    let attributes = attributes.sorted { $0.key < $1.key }
      .map { " \($0.key)='\($0.value.xmlEscaped)'" }.joined()
    let content = (trimmedText ?? "").xmlEscaped + children.map(\.xml).joined()
    return content.isEmpty
      ? "<\(name)\(attributes)/>" : "<\(name)\(attributes)>\(content)</\(name)>"
  }
}

/// Puts the parser's events together.
private final class TreeBuilder: NSObject, XMLParserDelegate {
  /// Far deeper than any backing chain that libvirt takes.
  private static let depthLimit = 512

  private(set) var root: XMLTree?
  private var open: [XMLTree] = []

  func parser(
    _ parser: XMLParser,
    didStartElement elementName: String,
    namespaceURI: String?,
    qualifiedName: String?,
    attributes: [String: String]
  ) {
    guard open.count < Self.depthLimit else { return parser.abortParsing() }
    open.append(XMLTree(name: elementName, attributes: attributes))
  }

  func parser(
    _ parser: XMLParser,
    didEndElement elementName: String,
    namespaceURI: String?,
    qualifiedName: String?
  ) {
    guard let element = open.popLast() else { return }
    if open.isEmpty {
      root = element
    } else {
      open[open.count - 1].children.append(element)
    }
  }

  func parser(_ parser: XMLParser, foundCharacters string: String) {
    guard !open.isEmpty else { return }
    open[open.count - 1].text += string
  }

  func parser(_ parser: XMLParser, foundCDATA block: Data) {
    guard !open.isEmpty else { return }
    open[open.count - 1].text += String(decoding: block, as: UTF8.self)
  }
}

extension String {
  /// The text as it may stand in XML, in an attribute too.
  var xmlEscaped: String {
    var escaped = ""
    for character in self {
      switch character {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "'": escaped += "&apos;"
      case "\"": escaped += "&quot;"
      default: escaped.append(character)
      }
    }
    return escaped
  }
}
