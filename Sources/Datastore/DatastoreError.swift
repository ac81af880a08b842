package import Checksum

/// Why the store could not do what it was asked.
package enum DatastoreError: Error, Equatable, Sendable {
  /// Nothing at this path looks like a store.
  case notADatastore(path: String)
  /// Somebody else holds the store or the snapshot.
  case busy
  /// A name that could lead out of its folder, or that the format doesn't allow.
  case invalidName(String)
  /// There is no finished snapshot of this name.
  case snapshotNotFound(String)
  /// A chunk isn't there.
  case chunkMissing(Digest)
  /// A chunk doesn't hold the bytes that its name promises.
  case chunkCorrupt(Digest)
  /// A chunk is encrypted, with a key that isn't ours.
  case chunkEncrypted(Digest)
  /// A blob of a snapshot is missing or damaged.
  case blobCorrupt(String)
  /// An index of a snapshot is missing, damaged or incomplete.
  case indexCorrupt(String)
  /// A manifest is damaged, or belongs to another snapshot.
  case manifestCorrupt(String)
  /// An archive is encrypted, with a key that isn't ours.
  case encrypted(String)
  /// What stands in the store at this path can't be followed, so that what is used can't be told
  /// from what isn't.
  case unmarkable(path: String)
  /// The file system doesn't keep the access times that garbage collection lives on.
  case timestampsIgnored
  /// The file system is full, or its quota used up.
  case outOfSpace
  /// A system call failed.
  case io(operation: String, path: String, errno: Int32)
}

extension DatastoreError {
  /// Whether the backup's own data is bad, so that trying again can't help.
  package var isDamage: Bool {
    switch self {
    case .snapshotNotFound, .chunkMissing, .chunkCorrupt, .chunkEncrypted, .blobCorrupt,
      .indexCorrupt, .manifestCorrupt:
      true
    case .notADatastore, .busy, .invalidName, .encrypted, .unmarkable, .timestampsIgnored,
      .outOfSpace, .io:
      false
    }
  }
}
