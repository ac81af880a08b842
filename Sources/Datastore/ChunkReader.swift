package import Checksum
package import Disks

/// Reads chunks, verified, on threads of its owner's.
///
/// A chunk that is stored as it is goes from the page cache into the caller's buffer; a packed one
/// is unpacked straight into it. What is handed out has the SHA-256 that names it.
package struct ChunkReader: Sendable {
  private let layout: StoreLayout
  private let files: FileExecutor
  private let packed: BufferPool
  private let digests: DigestQueue
  private let figures: DatastoreFigures

  init(
    layout: StoreLayout,
    threads: BlockingExecutor,
    packed: BufferPool,
    digests: DigestQueue,
    figures: DatastoreFigures
  ) {
    self.layout = layout
    files = FileExecutor(threads)
    self.packed = packed
    self.digests = digests
    self.figures = figures
  }

  /// Reads the plain bytes of a chunk into the front of `buffer`.
  ///
  /// After an error the buffer holds anything at all.
  ///
  /// - Parameters:
  ///   - digest: The chunk.
  ///   - buffer: Not of the pool that this reader takes its own buffers from.
  ///   - length: How many bytes the chunk must have.
  /// - Throws: `chunkMissing`, `chunkCorrupt` or `chunkEncrypted` with the digest, or what the file
  ///   system says.
  package func read(
    _ digest: Digest,
    into buffer: AlignedBuffer,
    expecting length: Int
  ) async throws(DatastoreError) {
    let path = layout.file(of: digest)
    do throws(DatastoreError) {
      try await packed.withBuffer { scratch throws(DatastoreError) in
        try await files.run { calls throws(DatastoreError) in
          try Self.read(path, digest, into: buffer, expecting: length, scratch: scratch, calls)
        }
      }
      let found = await digests.digest(of: buffer, count: length)
      guard found.equals(digest) else { throw DatastoreError.chunkCorrupt(digest) }
      figures.didRead(bytes: length)
    } catch {
      figures.didFail(error)
      throw error
    }
  }

  /// Reads and unpacks; whether it is the chunk that it should be is not told here.
  private static func read(
    _ path: String,
    _ digest: Digest,
    into buffer: AlignedBuffer,
    expecting length: Int,
    scratch: AlignedBuffer,
    _ calls: FileCalls
  ) throws(DatastoreError) {
    let room = DataBlob.headerByteCount + length
    let content = try calls.readSplit(
      path,
      headCount: DataBlob.headerByteCount,
      limit: DataBlob.encryptedHeaderByteCount + length
    ) { head in
      // A packed blob is kept only where it is shorter than the plain one.
      DataBlob.Kind(startOf: head) == .plain ? buffer : scratch
    }
    switch content {
    case .absent: throw .chunkMissing(digest)
    case .unacceptable: throw .chunkCorrupt(digest)
    case .bytes(let head, let count):
      switch DataBlob.Kind(startOf: head) {
      case .encrypted, .compressedEncrypted: throw .chunkEncrypted(digest)
      case nil: throw .chunkCorrupt(digest)
      case .plain, .compressed:
        guard DataBlob.headerByteCount + count <= room else { throw .chunkCorrupt(digest) }
      }
      do throws(BlobError) {
        try DataBlob.unpack(head, count, from: scratch, into: buffer, expecting: length)
      } catch {
        throw .chunkCorrupt(digest)
      }
    }
  }
}

extension LocalDatastore {
  /// Reads one chunk on the store's own threads; see ``ChunkReader/read(_:into:expecting:)``.
  package func readChunk(
    _ digest: Digest,
    into buffer: AlignedBuffer,
    expecting length: Int
  ) async throws(DatastoreError) {
    try await ownReader.read(digest, into: buffer, expecting: length)
  }

  /// A reader of this store's chunks that blocks `threads` and nobody else's.
  ///
  /// - Parameters:
  ///   - threads: Where it reads, unpacks and hashes.
  ///   - packed: Lends room for packed chunks; bounds how many are read at the same time.
  ///   - digests: Who hashes, on the same threads.
  /// - Returns: The reader, which holds nothing open.
  package func reader(
    on threads: BlockingExecutor,
    packed: BufferPool,
    digests: DigestQueue
  ) -> ChunkReader {
    ChunkReader(
      layout: layout,
      threads: threads,
      packed: packed,
      digests: digests,
      figures: figures
    )
  }
}
