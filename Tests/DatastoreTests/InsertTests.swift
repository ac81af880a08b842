import Checksum
import Disks
import Foundation
import Testing

@testable import Datastore

struct InsertTests {
  /// What stands in a chunk's place beforehand, and whether ours replaces it.
  struct Case: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var present: @Sendable ([UInt8]) throws -> [UInt8]
    var isReplaced: Bool
  }

  static let cases = [
    Case(testDescription: "the same bytes", present: { try encode($0) }, isReplaced: false),
    Case(testDescription: "an empty file", present: { _ in [] }, isReplaced: true),
    Case(
      testDescription: "a header alone",
      present: { Array(try encode($0).prefix(12)) },
      isReplaced: true
    ),
    Case(
      testDescription: "a plain one that was cut off",
      present: { Array(sealed(.plain, $0).prefix(40)) },
      isReplaced: true
    ),
    Case(testDescription: "a longer encoding", present: { sealed(.plain, $0) }, isReplaced: true),
    Case(testDescription: "no blob at all", present: { _ in noise(99) }, isReplaced: true),
  ]

  @Test(arguments: cases)
  func `What is there stays if it is as short as ours and can be ours`(
    example: Case
  ) async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let plain = text(1 << 16)
      let (name, ours) = (digest(plain), try encode(plain))
      try test.write(try example.present(plain), to: test.file(of: name))
      let outcome = try await putOne(plain, in: test)
      #expect(outcome == (example.isReplaced ? .new(bytes: ours.count) : .reused))
      #expect(try test.read(test.file(of: name)) == ours)
    }
  }

  @Test func `A plain chunk is kept where ours is no shorter`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let plain = noise(1 << 16)
      #expect(try await putOne(plain, in: test) == .new(bytes: plain.count + 12))
      #expect(try await putOne(plain, in: test) == .reused)
    }
  }

  @Test(arguments: [DataBlob.Kind.encrypted, .compressedEncrypted])
  func `An encrypted chunk of the same name is neither replaced nor used`(
    kind: DataBlob.Kind
  ) async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let plain = text(1 << 16)
      let name = digest(plain)
      let theirs = kind.magic + noise(200_000)
      try test.write(theirs, to: test.file(of: name))
      await #expect(throws: DatastoreError.chunkEncrypted(name)) {
        try await putOne(plain, in: test)
      }
      #expect(try test.read(test.file(of: name)) == theirs)
    }
  }

  @Test func `Reuse touches the access time and nothing else`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      for plain in [text(1 << 16), noise(1 << 16)] {
        _ = try await putOne(plain, in: test)
        let (calls, file) = (FileCalls(), test.file(of: digest(plain)))
        #expect(try calls.setAccessTime(file, seconds: 1000))
        let before = try #require(try calls.status(file))
        #expect(before.accessSeconds == 1000)
        #expect(try await putOne(plain, in: test) == .reused)
        let after = try #require(try calls.status(file))
        #expect(after.accessSeconds >= before.modificationSeconds)
        #expect(after.modificationSeconds == before.modificationSeconds)
      }
    }
  }

  @Test func `Finishing touches every chunk that an index names`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let disk = noise(1 << 16) + zeros(1 << 16) + text(1 << 16) + zeros(99)
      let writer = try await test.store.begin(namespace: [], id: "a", notBefore: 1)
      let index = try writer.beginIndex(
        "drive-a.img.fidx",
        size: Int64(disk.count),
        chunkSize: 1 << 16
      )
      try await test.put(disk, in: index)
      try await index.close()
      let names = chunkNames(of: disk)
      for name in names {
        #expect(try FileCalls().setAccessTime(test.file(of: name), seconds: 1000))
      }
      _ = try await writer.finish()
      for name in names {
        let status = try #require(try FileCalls().status(test.file(of: name)))
        #expect(status.accessSeconds > 1000)
      }
    }
  }

  @Test(arguments: [
    nil, 0, 12,
  ])
  func `Finishing fails for a chunk that went or was cut off, and names it`(
    length: Int?
  ) async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let disk = noise(3 << 16)
      let lost = chunkNames(of: disk)[1]
      let writer = try await test.store.begin(namespace: [], id: "a", notBefore: 1)
      let index = try writer.beginIndex(
        "drive-a.img.fidx",
        size: Int64(disk.count),
        chunkSize: 1 << 16
      )
      try await test.put(disk, in: index)
      try await index.close()
      if let length {
        try test.write(
          Array(try test.read(test.file(of: lost)).prefix(length)),
          to: test.file(of: lost)
        )
      } else {
        try FileManager.default.removeItem(atPath: test.file(of: lost))
      }
      let expected: DatastoreError = length == nil ? .chunkMissing(lost) : .chunkCorrupt(lost)
      await #expect(throws: expected) { try await writer.finish() }
      #expect(try await test.store.snapshots(namespace: [], id: "a") == [])
      // What failed once stays failed, and can be abandoned.
      await #expect(throws: expected) { try await writer.finish() }
      await writer.abandon()
      #expect(try await test.store.unfinished() == [])
    }
  }

  @Test func `Several tasks may put the same chunks at once`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let plain = text(1 << 16)
      let writer = try await test.store.begin(namespace: [], id: "a", notBefore: 1)
      let count = 64
      let index = try writer.beginIndex(
        "drive-virtio0.img.fidx",
        size: Int64(count << 16),
        chunkSize: 1 << 16
      )
      try await withThrowingTaskGroup(of: Void.self) { group in
        for chunk in 0..<count {
          group.addTask {
            if chunk % 4 == 3 { return try await index.putZeros(chunks: [chunk]) }
            try await index.put(chunk: chunk, buffer(holding: plain), count: plain.count)
          }
        }
        try await group.waitForAll()
      }
      try await index.close()
      _ = try await writer.finish()
      let block = plain + plain + plain + zeros(1 << 16)
      let disk = try await test.restore(writer.path)
      #expect(disk == (0..<count / 4).flatMap { _ in block })
      #expect(try PythonStore.read(root).strays == [])
    }
  }

  @Test func `A buffer full of zeros counts as a hole`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      #expect(try await putOne(zeros(1 << 16), in: test) == .zero)
      #expect(try await putOne(zeros(100), in: test) == .zero)
    }
  }

  private func chunkNames(of disk: [UInt8]) -> [Digest] {
    stride(from: 0, to: disk.count, by: 1 << 16).map {
      digest(Array(disk[$0..<min($0 + 1 << 16, disk.count)]))
    }
  }
}

private func encode(_ bytes: [UInt8]) throws -> [UInt8] {
  try bytes.withRawBytes { span throws(BlobError) in try DataBlob.encode(span) }
}
