/// How a store is doing.
package struct DatastoreStatus: Hashable, Sendable {
  /// The store's root.
  package var path: String
  /// How many bytes its file system has.
  package var totalBytes: Int64
  /// How many of them are free for us.
  package var freeBytes: Int64
  /// How many snapshots there are, in all namespaces.
  package var snapshotCount: Int
  /// How many snapshots have no manifest: being written, or left behind.
  package var unfinishedCount: Int
  /// How many chunks there are; estimated from a sample where there are many.
  package var estimatedChunkCount: Int
  /// How many bytes the chunks take; estimated from a sample where there are many.
  package var estimatedChunkBytes: Int64
}
