internal import Checksum
internal import Synchronization

/// The digests of zeros, those of the last sizes computed once.
enum ZeroChunk {
  /// Most digests that are kept: chunks have seven sizes, and disks of a store few other ends, but
  /// a store that somebody else wrote may hold millions.
  private static let mostKnown = 256
  private static let known = Mutex<[Int: Digest]>([:])

  /// The digest of `byteCount` zero bytes, if it was computed before.
  static func knownDigest(byteCount: Int) -> Digest? {
    known.withLock { $0[byteCount] }
  }

  /// The digest of `byteCount` zero bytes, which may have to be computed.
  static func digest(byteCount: Int) -> Digest {
    if let digest = knownDigest(byteCount: byteCount) { return digest }
    let digest = zeros(byteCount).withRawBytes { Digest(sha256: $0) }
    known.withLock { known in
      if known.count >= mostKnown { known.removeAll() }
      known[byteCount] = digest
    }
    return digest
  }
}
