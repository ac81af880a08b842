internal import Checksum
internal import Synchronization

/// The digests of zeros, each computed once.
enum ZeroChunk {
  private static let known = Mutex<[Int: Digest]>([:])

  /// The digest of `byteCount` zero bytes, if it was computed before.
  static func knownDigest(byteCount: Int) -> Digest? {
    known.withLock { $0[byteCount] }
  }

  /// The digest of `byteCount` zero bytes, which may have to be computed.
  static func digest(byteCount: Int) -> Digest {
    if let digest = knownDigest(byteCount: byteCount) { return digest }
    let digest = zeros(byteCount).withRawBytes { Digest(sha256: $0) }
    known.withLock { $0[byteCount] = digest }
    return digest
  }
}
