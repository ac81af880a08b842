package import Model

/// What a look at every byte of one snapshot found.
package struct SnapshotFindings: Sendable, Equatable {
  /// The parts that are missing or bad, each once.
  package var damage: [DamagedPart] = []
  /// Whether it was looked at to its end; nothing may be concluded from one that wasn't.
  package var isComplete = false
  /// Chunks that were read now; those that were known already aren't read again.
  package var chunkCount = 0
  /// Chunks that are missing or bad.
  package var badChunkCount = 0
  /// The bytes of the chunks that were read now.
  package var bytesRead: Int64 = 0

  /// Makes the findings of a look that has yet to begin.
  init() {}
}
