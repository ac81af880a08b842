import Checksum
import Datastore
import Disks
import Foundation
import Model
import Zstd

/// Measures each stage of a backup and of a restore by itself, on chunks of a real disk, so that a
/// regression of the whole can be placed.
///
/// Prints one JSON object a stage and line. What works on memory uses one thread; what waits for a
/// disk or the store has as many chunks under way as the engines have.
struct StageBench {
  let sample: Sample
  let folder: String
  private let threads = BlockingExecutor(label: "stages", width: Limits.stageThreads)

  init(_ sample: Sample, folder: String) {
    self.sample = sample
    self.folder = folder
  }

  func run() async throws {
    try await read(inFlight: 1)
    try await read(inFlight: Limits.chunksInFlight)
    try compute()
    try await store()
    try await stage()
  }

  // MARK: - The disk that is backed up

  private func read(inFlight: Int) async throws {
    let disk = try await RawDisk.open(sample.image, access: .read, threads: threads)
    let chunks = sample.chunks
    try await measure("read, \(inFlight) at once") {
      try await each(chunks, inFlight: inFlight) { chunk in
        try await disk.read(at: chunk.offset, into: chunk.buffer, count: chunk.count)
      }
    }
    try await disk.close()
  }

  // MARK: - Memory alone

  private func compute() throws {
    let chunks = sample.chunks
    let zeros = AlignedBuffer(capacity: Limits.chunkBytes)
    zeros.zero(Limits.chunkBytes)
    var found = 0
    measure("zero test of zeros") {
      for chunk in chunks where zeros.withBytes(chunk.count, { isZero($0) }) { found += 1 }
    }
    guard found == chunks.count else { throw Fault("zeros aren't zero") }
    measure("SHA-256") {
      for chunk in chunks where chunk.bytes({ Digest(sha256: $0) }).equals(.none) { found += 1 }
    }
    measure("CRC-32") {
      for chunk in chunks where chunk.bytes({ CRC32.checksum(of: $0) }) == 0 { found += 1 }
    }
    let packer = ZstdPacker(capacity: Limits.chunkBytes)
    measure("zstd, packing") {
      for chunk in chunks { found += chunk.bytes { pack($0, packer) }.count }
    }
    let frames = try chunks.compactMap { chunk in
      try chunk.bytes { try ZstdFrame.compress($0, level: 1) }
    }
    let target = AlignedBuffer(capacity: Limits.chunkBytes)
    // Chunks that don't get shorter are stored as they are, and never unpacked.
    try measure("zstd, unpacking", bytes: Int64(frames.count) * Int64(Limits.chunkBytes)) {
      for frame in frames {
        try frame.withRawBytes { source in
          try target.withMutableBytes(Limits.chunkBytes) { out in
            found += try ZstdFrame.decompress(source, into: &out)
          }
        }
      }
    }
    measure("comparing with what was read back") {
      for chunk in chunks where chunk.bytes({ one in chunk.bytes { areEqual(one, $0) } }) {
        found += 1
      }
    }
  }

  private func pack(_ bytes: RawSpan, _ packer: ZstdPacker) -> [UInt8] {
    packer.pack(bytes, level: 1, header: [], plainHeader: []) { frame in
      [UInt8](repeating: 0, count: min(1, frame.byteCount))
    }
  }

  // MARK: - The store

  private func store() async throws {
    let path = "\(folder)/stages-store"
    try LocalDatastore.create(at: path)
    let store = try LocalDatastore(
      path: path,
      sync: .none,
      executor: BlockingExecutor(label: "store", width: Limits.chunksInFlight)
    )
    try await put("store new chunks", into: store)
    let index = try await put("store known chunks", into: store)
    try await touch(index, in: store)
    let reader = store.reader(
      on: threads,
      packed: BufferPool(count: Limits.stageScratchBuffers, capacity: Limits.chunkBytes),
      digests: DigestQueue(on: threads)
    )
    let chunks = sample.chunks
    try await measure("fetch chunks, page cache warm") {
      try await each(chunks, inFlight: Limits.stageStepsInFlight) { chunk in
        let digest = index.digests[chunk.number]
        try await reader.read(digest, into: chunk.buffer, expecting: chunk.count)
      }
    }
    try FileManager.default.removeItem(atPath: path)
  }

  /// Puts every chunk of the sample: zero test, SHA-256, lookup, and for a new one packing and
  /// writing.
  @discardableResult
  private func put(_ name: String, into store: LocalDatastore) async throws -> FixedIndex {
    let writer = try await store.begin(namespace: ["cli"], id: "vps", notBefore: 1)
    let archive = "drive-virtio0.img.fidx"
    let size = Int64(sample.chunks.count) * Int64(Limits.chunkBytes)
    let builder = try writer.beginIndex(archive, size: size)
    let chunks = sample.chunks
    try await measure(name) {
      try await each(chunks, inFlight: Limits.chunksInFlight) { chunk in
        _ = try await builder.put(chunk: chunk.number, chunk.buffer, count: chunk.count)
      }
    }
    try await builder.close()
    _ = try await writer.finish()
    guard let index = try await store.open(writer.path).indexes[archive] else {
      throw Fault("the store gave no index")
    }
    return index
  }

  /// What each chunk of an incremental backup that wasn't read costs.
  private func touch(_ index: FixedIndex, in store: LocalDatastore) async throws {
    let writer = try await store.begin(namespace: ["cli"], id: "vps", notBefore: 1)
    let builder = try writer.beginIndex("drive-virtio0.img.fidx", size: index.size)
    builder.reuse(index, chunks: Array(0..<index.chunkCount))
    try await measure("look known chunks up and touch them") {
      guard try await builder.lostChunks().isEmpty else { throw Fault("chunks are lost") }
    }
    await writer.abandon()
  }

  // MARK: - The disk that is restored

  private func stage() async throws {
    let path = "\(folder)/stages-disk"
    let chunks = sample.chunks
    try await SparseFile.create(path, size: Int64(chunks.count) * Int64(Limits.chunkBytes))
    let disk = try await RawDisk.open(path, access: .write, threads: threads)
    try await measure("write a stage, then flush") {
      try await each(chunks, inFlight: Limits.stageStepsInFlight) { chunk in
        try await disk.write(at: chunk.place, from: chunk.buffer, count: chunk.count)
      }
      try await disk.flush()
    }
    let shadows = BufferPool(count: Limits.stageScratchBuffers, capacity: Limits.chunkBytes)
    try await measure("read back and compare") {
      try await each(chunks, inFlight: Limits.stageScratchBuffers) { chunk in
        let isSame = try await shadows.withBuffer { shadow in
          try await disk.read(at: chunk.place, into: shadow, count: chunk.count)
          return chunk.bytes { one in shadow.withBytes(chunk.count) { areEqual(one, $0) } }
        }
        guard isSame else { throw Fault("the disk doesn't keep what it was given") }
      }
    }
    try await disk.close()
    try FileManager.default.removeItem(atPath: path)
  }

  // MARK: - Measuring

  private func measure(_ name: String, _ body: () async throws -> Void) async throws {
    let started = ContinuousClock.now
    try await body()
    report(name, bytes: sample.bytes, took: started.duration(to: .now))
  }

  private func measure(_ name: String, bytes: Int64? = nil, _ body: () throws -> Void) rethrows {
    let started = ContinuousClock.now
    try body()
    report(name, bytes: bytes ?? sample.bytes, took: started.duration(to: .now))
  }

  private func report(_ name: String, bytes: Int64, took: Duration) {
    let seconds = took / .seconds(1)
    print(#"{"stage": "\#(name)", "bytes": \#(bytes), "seconds": \#(seconds)}"#)
  }

  /// Does `body` for every chunk, at most `inFlight` at the same time.
  private func each(
    _ chunks: [Sample.Chunk],
    inFlight: Int,
    _ body: @escaping @Sendable (Sample.Chunk) async throws -> Void
  ) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (begun, chunk) in chunks.enumerated() {
        if begun >= inFlight { try await group.next() }
        group.addTask { try await body(chunk) }
      }
      try await group.waitForAll()
    }
  }
}

/// Why nothing could be measured.
struct Fault: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}

extension Digest {
  /// No chunk's digest; what a result is compared with so that it is needed.
  fileprivate static var none: Digest { Digest(sha256: RawSpan()) }
}
