package import Checksum

/// The list of a disk's chunks: a `.fidx` file in memory.
package struct FixedIndex: Sendable, Equatable {
  /// The chunk sizes that PBS takes.
  package static let chunkSizes: [Int] = (16...22).map { 1 << $0 }
  /// The chunk size that we write.
  package static let defaultChunkSize = 4 << 20
  /// The longest file that is read into memory, in bytes: the index of 64 TiB in such chunks.
  static let maximumByteCount = headerByteCount + (16 << 20) * Digest.byteCount

  /// The disk's size in bytes.
  package let size: Int64
  /// How many bytes every chunk but the last has.
  package let chunkSize: Int
  /// The chunks' digests, in the order of the disk.
  package let digests: [Digest]
  /// The SHA-256 over all digests, which the manifest repeats.
  package let checksum: Digest

  private let zeroDigest: Digest
  private let zeroTailDigest: Digest

  /// Makes an index of sizes and digests that fit each other.
  init(size: Int64, chunkSize: Int, digests: [Digest]) {
    precondition(Self.chunkCount(size: size, chunkSize: chunkSize) == digests.count)
    self.size = size
    self.chunkSize = chunkSize
    self.digests = digests
    checksum = Digest.withBytes(of: digests) { Digest(sha256: $0) }
    zeroDigest = ZeroChunk.digest(byteCount: chunkSize)
    let tail = Self.length(of: digests.count - 1, size: size, chunkSize: chunkSize)
    zeroTailDigest = ZeroChunk.digest(byteCount: tail)
  }

  /// How many chunks there are.
  package var chunkCount: Int { digests.count }

  /// How many bytes of the disk a chunk holds: `chunkSize`, or less for the last one.
  package func length(of chunk: Int) -> Int {
    precondition(digests.indices.contains(chunk), "no such chunk")
    return Self.length(of: chunk, size: size, chunkSize: chunkSize)
  }

  /// Whether a chunk holds nothing but zeros, which its digest tells.
  package func isZero(_ chunk: Int) -> Bool {
    digests[chunk] == (chunk == digests.count - 1 ? zeroTailDigest : zeroDigest)
  }

  /// How many chunks a disk of `size` bytes has.
  static func chunkCount(size: Int64, chunkSize: Int) -> Int {
    Int(size / Int64(chunkSize)) + (size % Int64(chunkSize) == 0 ? 0 : 1)
  }

  /// How many bytes of the disk a chunk holds.
  static func length(of chunk: Int, size: Int64, chunkSize: Int) -> Int {
    Int(min(Int64(chunkSize), size - Int64(chunk) * Int64(chunkSize)))
  }
}

// MARK: - The file

extension FixedIndex {
  /// The bytes before the first digest.
  static let headerByteCount = 4096

  private static let magic: [UInt8] = [47, 127, 65, 237, 145, 253, 15, 205]
  private static let uuidOffset = 8
  private static let timeOffset = 24
  private static let checksumOffset = 32
  private static let sizeOffset = 64
  private static let chunkSizeOffset = 72

  /// Reads a `.fidx` file, whose every field must fit the others.
  ///
  /// - Throws: `indexCorrupt` with `name`.
  init(file: [UInt8], name: String) throws(DatastoreError) {
    guard file.count > Self.headerByteCount, file.starts(with: Self.magic) else {
      throw .indexCorrupt(name)
    }
    let size = LittleEndian.load(UInt64.self, from: file, at: Self.sizeOffset)
    let chunkSize = LittleEndian.load(UInt64.self, from: file, at: Self.chunkSizeOffset)
    guard size > 0, let size = Int64(exactly: size), let chunkSize = Int(exactly: chunkSize),
      Self.chunkSizes.contains(chunkSize),
      let digests = file.withRawBytes(
        from: Self.headerByteCount,
        { Digest.list(from: $0) }
      ),
      digests.count == Self.chunkCount(size: size, chunkSize: chunkSize)
    else { throw .indexCorrupt(name) }
    self.init(size: size, chunkSize: chunkSize, digests: digests)
    let end = Self.checksumOffset + Digest.byteCount
    guard Array(file[Self.checksumOffset..<end]) == checksum.bytes else {
      throw .indexCorrupt(name)
    }
  }

  /// The whole `.fidx` file.
  func file(createdAt time: Int64, uuid: [UInt8]) -> [UInt8] {
    precondition(uuid.count == Self.timeOffset - Self.uuidOffset, "a UUID has 16 bytes")
    var header = zeros(Self.headerByteCount)
    header.replaceSubrange(0..<Self.magic.count, with: Self.magic)
    header.replaceSubrange(Self.uuidOffset..<Self.timeOffset, with: uuid)
    LittleEndian.store(time, in: &header, at: Self.timeOffset)
    header.replaceSubrange(Self.checksumOffset..<Self.sizeOffset, with: checksum.bytes)
    LittleEndian.store(size, in: &header, at: Self.sizeOffset)
    LittleEndian.store(Int64(chunkSize), in: &header, at: Self.chunkSizeOffset)
    return Digest.withBytes(of: digests) { concatenate(header, $0) }
  }
}
