/// How much a finished snapshot has been made safe against a loss of power.
///
/// The names are the configuration's and PBS's own.
package enum SyncLevel: String, Sendable, CaseIterable {
  /// The whole file system is synced once, before the manifest appears.
  case filesystem
  /// Each chunk and its folder are synced as they are written.
  case file
  /// Chunks are left to the kernel; only indexes, blobs and the manifest are synced.
  case none
}
