internal import Checksum

/// Where everything stands below a store's root.
struct StoreLayout: Sendable {
  /// The store's root.
  let root: String

  /// The file whose lock tells writers and garbage collection of each other.
  var lockFile: String { "\(root)/.lock" }

  /// How far an unfinished garbage collection has come.
  var garbageRecord: String { "\(root)/.rehome-gc.json" }

  /// What is known to be on the disk.
  var syncRecord: String { "\(root)/.rehome-sync.json" }

  /// Room that is kept for the day on which the file system is full.
  var reserve: String { "\(root)/.rehome-reserve" }

  /// The folder of all chunks.
  var chunks: String { "\(root)/.chunks" }

  /// How many folders share the chunks.
  static let chunkFolderCount = 1 << 16

  /// The folder of the chunks whose digests start with this number.
  func chunkFolder(_ number: Int) -> String {
    let digits = String(number, radix: 16)
    return "\(chunks)/\(String(repeating: "0", count: 4 - digits.utf8.count))\(digits)"
  }

  /// The folder of a chunk.
  func folder(of digest: Digest) -> String { "\(chunks)/\(digest.description.prefix(4))" }

  /// The number of a chunk's folder.
  static func number(of digest: Digest) -> Int {
    Int(digest.bytes[0]) << 8 | Int(digest.bytes[1])
  }

  /// Where a chunk goes that was found bad; PBS gives these names, too.
  func quarantine(of digest: Digest, _ number: Int) -> String {
    "\(file(of: digest)).\(number).bad"
  }

  /// How many bad files of a chunk are kept.
  static let quarantineNumbers = 0..<10

  /// The file of a chunk.
  func file(of digest: Digest) -> String { "\(folder(of: digest))/\(digest)" }

  /// The folder of a group of snapshots.
  func group(namespace: [String], id: String) -> String {
    "\(root)/\(SnapshotPath.group(namespace: namespace, id: id))"
  }

  /// The folder of a snapshot.
  func folder(of path: SnapshotPath) -> String { "\(root)/\(path.relative)" }

  /// The file that makes a snapshot visible.
  func manifest(of path: SnapshotPath) -> String {
    "\(folder(of: path))/\(Manifest.fileName)"
  }
}
