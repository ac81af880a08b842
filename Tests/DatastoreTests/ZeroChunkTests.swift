import Checksum
import Testing

@testable import Datastore

struct ZeroChunkTests {
  @Test func `Digests of zeros are kept for a bounded number of sizes`() {
    let sizes = 1...1000
    for count in sizes {
      #expect(
        ZeroChunk.digest(byteCount: count) == zeros(count).withRawBytes { Digest(sha256: $0) }
      )
    }
    #expect(sizes.count { ZeroChunk.knownDigest(byteCount: $0) != nil } <= 256)
  }
}
