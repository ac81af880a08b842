internal import Checksum
internal import Model
internal import Synchronization

/// The chunks that a run of verifications has read, so that what many snapshots share is read once.
package final class VerifiedChunks: Sendable {
  private let known = Mutex<[Digest: Bool]>([:])

  /// Makes the memory of a run that has yet to begin.
  package init() {}

  /// Whether a chunk was found good; nil: it hasn't been read in this run, or long ago.
  func isGood(_ digest: Digest) -> Bool? { known.withLock { $0[digest] } }

  /// Remembers what was found; when there is no room everything is forgotten, and read again.
  func note(_ digest: Digest, isGood: Bool) {
    known.withLock { known in
      if known.count >= Limits.verifiedChunks { known = [:] }
      known[digest] = isGood
    }
  }
}
