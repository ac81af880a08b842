import Checksum

@testable import Datastore

/// Lists of chunks, `.fidx`.
enum IndexEntry {
  private static let checksumOffset = 32

  static func check(_ bytes: [UInt8]) {
    checkReading(bytes)
    checkReading(sealed(bytes))
  }

  /// The same bytes with the checksum that they should have.
  private static func sealed(_ bytes: [UInt8]) -> [UInt8] {
    guard bytes.count > FixedIndex.headerByteCount else { return bytes }
    var bytes = bytes
    let checksum = bytes.withRawBytes(from: FixedIndex.headerByteCount) { Digest(sha256: $0) }
    let place = checksumOffset..<checksumOffset + Digest.byteCount
    bytes.replaceSubrange(place, with: checksum.bytes)
    return bytes
  }

  private static func checkReading(_ bytes: [UInt8]) {
    guard let index = try? FixedIndex(file: bytes, name: "drive-virtio0.img.fidx") else { return }
    let digests = index.chunkCount * Digest.byteCount
    precondition(
      bytes.count == FixedIndex.headerByteCount + digests,
      "an index has another length than its chunks"
    )
    precondition(FixedIndex.chunkSizes.contains(index.chunkSize), "chunks of a foreign size")
    var sum: Int64 = 0
    for chunk in 0..<index.chunkCount {
      let length = index.length(of: chunk)
      precondition((1...index.chunkSize).contains(length), "a chunk has no length")
      sum += Int64(length)
      _ = index.isZero(chunk)
    }
    precondition(sum == index.size, "the chunks are no disk")
    let file = index.file(createdAt: 1, uuid: Array(repeating: 7, count: 16))
    precondition(file.count == bytes.count, "an index changes its length on its way")
    let again = try? FixedIndex(file: file, name: "again")
    precondition(again == index, "an index changes on its way")
  }
}
