internal import Crypto

/// A SHA-256 computed piece by piece.
package struct SHA256Stream: Sendable {
  private var hash = SHA256()

  /// Starts with nothing hashed.
  package init() {}

  /// Hashes the next piece.
  package mutating func update(_ bytes: RawSpan) {
    unsafe bytes.withUnsafeBytes { unsafe hash.update(bufferPointer: $0) }
  }

  /// The digest of everything so far; the stream may go on.
  package func digest() -> Digest {
    unsafe hash.finalize().withUnsafeBytes { result in
      guard let digest = Digest(bytes: unsafe result.bytes) else {
        preconditionFailure("a SHA-256 has 32 bytes")
      }
      return digest
    }
  }
}

extension Digest {
  /// Hashes `bytes`.
  package init(sha256 bytes: RawSpan) {
    var stream = SHA256Stream()
    stream.update(bytes)
    self = stream.digest()
  }
}
