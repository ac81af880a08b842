internal import FoundationEssentials

/// Where a snapshot stands in the store: namespace, kind, id and time.
///
/// A value can't be made of parts that would lead out of the store.
package struct SnapshotPath: Hashable, Sendable {
  /// How deep namespaces nest.
  package static let maximumNamespaceDepth = 7
  /// How many bytes the whole namespace takes, separators included.
  package static let maximumNamespaceByteCount = 256

  /// The names of the namespace, outermost first; empty for the store's root.
  package let namespace: [String]
  /// What was backed up: one group of snapshots.
  package let id: String
  /// When, in whole seconds since 1970.
  package let time: Int64

  /// Makes a path of its parts.
  package init(namespace: [String], id: String, time: Int64) throws(DatastoreError) {
    try Self.check(namespace: namespace, id: id)
    guard time > 0, time <= Self.lastSecond else { throw .invalidName("\(time)") }
    self.namespace = namespace
    self.id = id
    self.time = time
  }

  /// Reads `ns/<name>/…/vm/<id>/<time>`; nil for anything but exactly the canonical text.
  package init?(relative: String) {
    let parts = relative.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard parts.count >= 3, parts.count % 2 == 1, parts[parts.count - 3] == "vm",
      let time = Self.time(named: parts[parts.count - 1])
    else { return nil }
    var namespace: [String] = []
    for index in stride(from: 0, to: parts.count - 3, by: 2) {
      guard parts[index] == "ns" else { return nil }
      namespace.append(parts[index + 1])
    }
    guard let path = try? Self(namespace: namespace, id: parts[parts.count - 2], time: time)
    else { return nil }
    self = path
  }

  /// The kind of backup, always `vm`.
  package var type: String { "vm" }

  /// The path below the store's root.
  package var relative: String { "\(group)/\(timeName)" }

  /// The path of the group below the store's root.
  var group: String { Self.group(namespace: namespace, id: id) }

  /// The folder's own name: `YYYY-MM-DDTHH:MM:SSZ`.
  var timeName: String { Self.name(of: time) }
}

extension SnapshotPath: CustomStringConvertible {
  package var description: String { relative }
}

extension SnapshotPath {
  /// The last second of the year 9999, the last one that the format can name.
  static let lastSecond: Int64 = 253_402_300_799

  /// Throws unless the parts may name a group.
  static func check(namespace: [String], id: String) throws(DatastoreError) {
    guard namespace.count <= maximumNamespaceDepth,
      namespace.joined(separator: "/").utf8.count <= maximumNamespaceByteCount
    else { throw .invalidName(namespace.joined(separator: "/")) }
    for name in namespace + [id] { try SafeName.check(name) }
  }

  /// The path of a group below the store's root.
  static func group(namespace: [String], id: String) -> String {
    namespace.map { "ns/\($0)/" }.joined() + "vm/\(id)"
  }

  /// The name of a moment.
  static func name(of time: Int64) -> String {
    Date(timeIntervalSince1970: Double(time)).formatted(.iso8601)
  }

  /// The moment of a name; nil for anything but exactly the canonical text.
  static func time(named name: String) -> Int64? {
    guard name.utf8.count == 20, let date = try? Date(name, strategy: .iso8601) else { return nil }
    let time = Int64(date.timeIntervalSince1970)
    return self.name(of: time) == name ? time : nil
  }
}
