package import Checksum
internal import FoundationEssentials

/// What a snapshot holds: `index.json.blob`, the file that makes it visible.
package struct Manifest: Hashable, Sendable {
  /// The manifest's name in its snapshot.
  package static let fileName = "index.json.blob"
  /// The longest manifest that is read, in bytes; those of fifty disks have twenty thousand, and
  /// what a reader makes of one takes many times as much.
  static let maximumByteCount = 1 << 20
  /// The deepest that lists and objects nest: the decoder calls itself for each level, and what PBS
  /// writes has four.
  static let maximumDepth = 32

  /// One archive of the snapshot.
  package struct File: Hashable, Sendable {
    /// The name in the snapshot's folder.
    package var filename: String
    /// `none`, `encrypt` or `sign-only`.
    package var cryptMode: String
    /// The disk's size for an index, the file's size for a blob.
    package var size: Int64
    /// The index's checksum, or the SHA-256 of the whole blob file.
    package var checksum: Digest

    /// Describes one archive.
    package init(filename: String, cryptMode: String = "none", size: Int64, checksum: Digest) {
      self.filename = filename
      self.cryptMode = cryptMode
      self.size = size
      self.checksum = checksum
    }
  }

  /// The kind of backup.
  package var backupType: String
  /// What was backed up.
  package var backupID: String
  /// When, in whole seconds since 1970.
  package var backupTime: Int64
  /// The archives.
  package var files: [File]
  /// What may change later and is covered by no signature.
  package var unprotected: [String: JSONValue]
  /// The signature of a client that has a key; kept, not checked.
  package var signature: String?

  /// Describes a snapshot.
  package init(
    backupType: String,
    backupID: String,
    backupTime: Int64,
    files: [File],
    unprotected: [String: JSONValue] = [:],
    signature: String? = nil
  ) {
    self.backupType = backupType
    self.backupID = backupID
    self.backupTime = backupTime
    self.files = files
    self.unprotected = unprotected
    self.signature = signature
  }

  /// The archive of this name.
  package func file(named name: String) -> File? {
    files.first { $0.filename == name }
  }
}

// MARK: - JSON

extension Manifest: Codable {
  private enum CodingKeys: String, CodingKey {
    case backupType = "backup-type"
    case backupID = "backup-id"
    case backupTime = "backup-time"
    case files, unprotected, signature
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    backupType = try container.decode(String.self, forKey: .backupType)
    backupID = try container.decode(String.self, forKey: .backupID)
    backupTime = try container.decode(Int64.self, forKey: .backupTime)
    files = try container.decode([File].self, forKey: .files)
    unprotected =
      try container.decodeIfPresent([String: JSONValue].self, forKey: .unprotected) ?? [:]
    signature = try container.decodeIfPresent(String.self, forKey: .signature)
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(backupType, forKey: .backupType)
    try container.encode(backupID, forKey: .backupID)
    try container.encode(backupTime, forKey: .backupTime)
    try container.encode(files, forKey: .files)
    try container.encode(unprotected, forKey: .unprotected)
    // Readers look for the key, so nothing is written as null.
    try container.encode(signature, forKey: .signature)
  }
}

extension Manifest.File: Codable {
  private enum CodingKeys: String, CodingKey {
    case filename
    case cryptMode = "crypt-mode"
    case size
    case checksum = "csum"
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    filename = try container.decode(String.self, forKey: .filename)
    cryptMode = try container.decodeIfPresent(String.self, forKey: .cryptMode) ?? "none"
    size = try container.decode(Int64.self, forKey: .size)
    guard let digest = Digest(hex: try container.decode(String.self, forKey: .checksum)) else {
      throw DecodingError.dataCorruptedError(
        forKey: .checksum,
        in: container,
        debugDescription: "not a SHA-256"
      )
    }
    checksum = digest
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(filename, forKey: .filename)
    try container.encode(cryptMode, forKey: .cryptMode)
    try container.encode(size, forKey: .size)
    try container.encode(checksum.description, forKey: .checksum)
  }
}

// MARK: - The file

extension Manifest {
  /// Reads the payload of `index.json.blob` of the snapshot at `path`.
  ///
  /// - Throws: `manifestCorrupt`, also for a manifest of another snapshot.
  init(json: [UInt8], of path: SnapshotPath) throws(DatastoreError) {
    let damage = DatastoreError.manifestCorrupt(path.relative)
    guard json.count <= Self.maximumByteCount, Self.isShallow(json),
      let manifest = try? JSONDecoder().decode(Manifest.self, from: Data(json)),
      manifest.backupType == path.type, manifest.backupID == path.id,
      manifest.backupTime == path.time,
      manifest.files.allSatisfy({ SafeName.isValid($0.filename) && $0.size >= 0 }),
      Set(manifest.files.map(\.filename)).count == manifest.files.count
    else { throw damage }
    self = manifest
  }

  /// Whether lists and objects nest no deeper than is read; of what isn't JSON in UTF-8 it may say
  /// anything.
  private static func isShallow(_ json: [UInt8]) -> Bool {
    // The decoder reads wider characters as well, in which a bracket is not one byte. Those have zeros.
    guard !json.contains(0) else { return false }
    var depth = 0
    var isText = false
    var isEscaped = false
    for byte in json {
      if isText {
        if !isEscaped, byte == UInt8(ascii: "\"") { isText = false }
        isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
        continue
      }
      switch byte {
      case UInt8(ascii: "\""): isText = true
      case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
      case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
      default: break
      }
      if depth > maximumDepth { return false }
    }
    return true
  }

  /// The payload of `index.json.blob`.
  func json() throws(DatastoreError) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    do {
      return [UInt8](try encoder.encode(self))
    } catch {
      // Only a number that JSON has no text for, in the unprotected part, comes here.
      throw .manifestCorrupt(backupID)
    }
  }
}
