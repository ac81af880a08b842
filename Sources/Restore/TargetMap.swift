package import Datastore
package import Disks
package import Hypervisor
package import Model

/// What is known of a disk's content without reading it: what it held at a moment, and what may
/// have been written since.
package struct TargetMap: Sendable, Equatable {
  /// What the disk held.
  package let index: FixedIndex
  /// The chunks that may be others since; anything not in here is as the index says.
  private let dirtyChunks: Set<Int>

  /// Makes a map of what the disk held and the bytes that may be others since.
  package init(index: FixedIndex, dirty: [Range<Int64>]) {
    self.index = index
    var chunks: Set<Int> = []
    for range in dirty where !range.isEmpty {
      let last = min((range.upperBound - 1) / Int64(index.chunkSize), Int64(index.chunkCount - 1))
      let first = max(0, range.lowerBound / Int64(index.chunkSize))
      guard first <= last else { continue }
      chunks.formUnion(Int(first)...Int(last))
    }
    dirtyChunks = chunks
  }

  /// Whether the chunks of both are the same pieces of a disk.
  func describes(_ other: FixedIndex) -> Bool { index.chunkSize == other.chunkSize }

  /// Whether a chunk of the disk is known to be the one of `wanted`.
  func vouches(for chunk: Int, as wanted: FixedIndex) -> Bool {
    knows(chunk, as: wanted) && index.digests[chunk] == wanted.digests[chunk]
  }

  /// Whether a chunk of the disk is known not to be the one of `wanted`, so that it needn't be read to
  /// see that.
  func denies(_ chunk: Int, as wanted: FixedIndex) -> Bool {
    knows(chunk, as: wanted) && index.digests[chunk] != wanted.digests[chunk]
  }

  /// Whether it can be told what a chunk of the disk is.
  private func knows(_ chunk: Int, as wanted: FixedIndex) -> Bool {
    chunk < index.chunkCount && index.length(of: chunk) == wanted.length(of: chunk)
      && !dirtyChunks.contains(chunk)
  }
}

/// Who knows what targets' disks hold.
package protocol TargetMaps: Sendable {
  /// How often a target's guest has flushed a disk; nil if it doesn't run, or that can't be told.
  ///
  /// Asked before the disk is cloned.
  func flushCount(of target: VPS, device: String) async -> Int64?
  /// What is known of a clone of a disk; nil: nothing that one may lean on.
  ///
  /// Asked after the clone was made, so that a write in between counts as dirty.
  ///
  /// - Throws: When the hypervisor can't be left as it was.
  func map(of target: VPS, _ disk: ClonedDisk) async throws(HypervisorError) -> TargetMap?
  /// Ends what an attempt of a job that died while it asked may have left in the hypervisor.
  func endSession(of target: VPS, job: JobID) async throws(HypervisorError)
}

/// Knows nothing: everything is read.
package struct NoTargetMaps: TargetMaps {
  /// Makes it.
  package init() {}

  package func flushCount(of target: VPS, device: String) async -> Int64? { nil }

  package func map(of target: VPS, _ disk: ClonedDisk) async throws(HypervisorError) -> TargetMap? {
    nil
  }

  package func endSession(of target: VPS, job: JobID) async throws(HypervisorError) {}
}
