extension DatastoreError {
  /// What happened and what to do, for an operator.
  package var sentence: String {
    switch self {
    case .notADatastore(let path):
      "There is no datastore at \(path). `rehome serve` makes one."
    case .busy:
      "Another process uses the datastore, such as a garbage collection or a Proxmox Backup Server. "
        + "Try again later."
    case .unmarkable(let path):
      "\(path) is in the datastore and can't be followed, so it can't be told which chunks are used. "
        + "Move it out of the datastore."
    case .timestampsIgnored:
      "The datastore's file system doesn't keep access times, so it can't hold one."
    case .outOfSpace: "The datastore's file system is full."
    case .io(let operation, let path, let number):
      "\(operation) of \(path) failed with error number \(number)."
    case .invalidName(let name), .snapshotNotFound(let name), .blobCorrupt(let name),
      .indexCorrupt(let name), .manifestCorrupt(let name), .encrypted(let name):
      "The datastore's \(name) can't be read."
    case .chunkMissing(let digest), .chunkCorrupt(let digest), .chunkEncrypted(let digest):
      "The datastore's chunk \(digest) can't be read."
    }
  }
}
