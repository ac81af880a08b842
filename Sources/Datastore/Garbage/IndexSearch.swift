/// Finds every index of a store, wherever it stands.
///
/// An index outside the usual places counts as well, and one of a snapshot without manifest. Names
/// that start with a dot are the store's own.
enum IndexSearch {
  /// What `mkfs` puts into the root of a file system, which others may not read.
  private static let lostAndFound = "lost+found"

  /// The paths of all indexes, in an order that keeps a group's together.
  ///
  /// - Throws: `unmarkable` for a link: what it leads to may name chunks, and can't be followed
  ///   safely.
  static func run(_ layout: StoreLayout, _ files: FileCalls) throws(DatastoreError) -> [String] {
    var indexes: [String] = []
    var folders = [layout.root]
    while let folder = folders.popLast() {
      // One that has gone since it was seen was a snapshot that somebody removed.
      for name in try files.names(in: folder) ?? [] where !name.hasPrefix(".") {
        if folder == layout.root, name == lostAndFound { continue }
        let path = "\(folder)/\(name)"
        guard let status = try files.status(path) else { continue }
        if status.isLink { throw .unmarkable(path: path) }
        if status.isDirectory {
          folders.append(path)
        } else if IndexKind(path) != nil {
          guard status.isRegularFile else { throw .unmarkable(path: path) }
          indexes.append(path)
        }
      }
    }
    return indexes.sorted()
  }
}

/// The two kinds of index files, as far as the digests in them go.
enum IndexKind {
  /// `.fidx`: digests one behind the other.
  case fixed
  /// `.didx`: each digest behind the 64-bit end of its chunk.
  case dynamic

  /// Recognises an index by its name.
  init?(_ path: String) {
    if path.hasSuffix(".fidx") {
      self = .fixed
    } else if path.hasSuffix(".didx") {
      self = .dynamic
    } else {
      return nil
    }
  }

  /// The bytes before the first entry.
  static let headerByteCount = 4096

  /// How many bytes an entry has.
  var entryByteCount: Int {
    switch self {
    case .fixed: 32
    case .dynamic: 40
    }
  }

  /// Where in an entry the digest begins.
  var digestOffset: Int {
    switch self {
    case .fixed: 0
    case .dynamic: 8
    }
  }
}
