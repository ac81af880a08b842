internal import Model

/// Room that is kept on a store's file system for the day on which it is full.
///
/// On a full file system nothing can be cleaned up: the catalog can't take down that a backup goes,
/// and some file systems need room even to remove a file. So a file of some size stands in the
/// store, and goes when others have filled the rest. Our own chunks leave as much besides.
struct StoreReserve: Equatable, Sendable {
  /// What is to be done about it.
  enum Step: Equatable {
    case make, release, nothing
  }

  /// How large it is: of a small file system a small part.
  let byteCount: Int64

  /// The reserve of a file system of this size.
  init(totalBytes: Int64) {
    byteCount = min(Limits.storeReserveBytes, totalBytes / Limits.storeReserveParts)
  }

  /// What new chunks leave free.
  var floor: Int64 { byteCount }

  /// What is to be done when so much is free.
  func step(freeBytes: Int64, isThere: Bool) -> Step {
    if isThere { return freeBytes < byteCount / 4 ? .release : .nothing }
    // With room for it, for what chunks leave, and so that it doesn't come and go.
    return byteCount > 0 && freeBytes >= 4 * byteCount ? .make : .nothing
  }
}
