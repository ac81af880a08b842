import Checksum
import Disks
import Foundation
import Testing

@testable import Datastore

struct DamageTests {
  /// One thing that may happen to a file.
  enum Harm: CaseIterable {
    case removed, emptied, cutByOne, cutToHeader, flipped, extended, isFolder

    func apply(to path: String, in test: TestStore) throws {
      var bytes = try test.read(path)
      switch self {
      case .removed: return try FileManager.default.removeItem(atPath: path)
      case .emptied: bytes = []
      case .cutByOne: bytes.removeLast()
      case .cutToHeader: bytes = Array(bytes.prefix(12))
      case .flipped: bytes[bytes.count - 5] ^= 1
      case .extended: bytes += [0]
      case .isFolder:
        try FileManager.default.removeItem(atPath: path)
        return try FileManager.default.createDirectory(
          atPath: path,
          withIntermediateDirectories: false
        )
      }
      try test.write(bytes, to: path)
    }
  }

  @Test(arguments: [true, false], Harm.allCases)
  func `A damaged chunk is never given out, and is named`(isPacked: Bool, harm: Harm) async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let plain = isPacked ? text(1 << 16) : noise(1 << 16)
      let name = digest(plain)
      let writer = try await test.backUp(plain)
      try harm.apply(to: test.file(of: name), in: test)
      let expected: DatastoreError = harm == .removed ? .chunkMissing(name) : .chunkCorrupt(name)
      await #expect(throws: expected) { try await test.restore(writer.path) }
      #expect(expected.isDamage)
    }
  }

  @Test func `A sound blob with other content is found by its digest`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let plain = text(1 << 16)
      let name = digest(plain)
      let writer = try await test.backUp(plain)
      for other in [text(1 << 16), noise(1 << 16), zeros(0), plain + [0], Array(plain.dropLast())] {
        try test.write(sealed(.plain, other), to: test.file(of: name))
        await #expect(throws: DatastoreError.chunkCorrupt(name)) {
          try await test.restore(writer.path)
        }
      }
      for bomb in [frame(of: 0, blocks: 8192), frame(of: 0, blocks: 8192, promise: 1 << 16)] {
        try test.write(sealed(.compressed, bomb), to: test.file(of: name))
        await #expect(throws: DatastoreError.chunkCorrupt(name)) {
          try await test.restore(writer.path)
        }
      }
    }
  }

  @Test func `A sound chunk of another length than the index says is refused`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let plain = text(1000)
      try await test.backUp(plain)
      let lent = AlignedBuffer(capacity: 1 << 16)
      for length in [999, 1001, 0, 1 << 16] {
        await #expect(throws: DatastoreError.chunkCorrupt(digest(plain))) {
          try await test.store.readChunk(digest(plain), into: lent, expecting: length)
        }
      }
      try await test.store.readChunk(digest(plain), into: lent, expecting: 1000)
    }
  }

  @Test(arguments: [DataBlob.Kind.encrypted, .compressedEncrypted])
  func `An encrypted chunk is recognised`(kind: DataBlob.Kind) async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let plain = text(1000)
      let writer = try await test.backUp(plain)
      try test.write(kind.magic + noise(1000), to: test.file(of: digest(plain)))
      await #expect(throws: DatastoreError.chunkEncrypted(digest(plain))) {
        try await test.restore(writer.path)
      }
    }
  }

  @Test(arguments: Harm.allCases)
  func `A damaged index is refused when the snapshot is opened`(harm: Harm) async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let writer = try await test.backUp(noise(200_000))
      try harm.apply(to: test.folder(of: writer.path) + "/drive-virtio0.img.fidx", in: test)
      await #expect(throws: DatastoreError.indexCorrupt("drive-virtio0.img.fidx")) {
        try await test.store.open(writer.path)
      }
    }
  }

  @Test(arguments: [0, 7, 32, 63, 64, 71, 72, 79, 4096, 4127, 4128])
  func `One bit of an index's fields makes it another one`(offset: Int) async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let writer = try await test.backUp(noise(200_000))
      try test.flip(test.folder(of: writer.path) + "/drive-virtio0.img.fidx", at: offset)
      await #expect(throws: DatastoreError.indexCorrupt("drive-virtio0.img.fidx")) {
        try await test.store.open(writer.path)
      }
    }
  }

  @Test func `A sound index that the manifest doesn't mean is refused`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let one = try await test.backUp(noise(200_000))
      let other = try await test.backUp(noise(200_000))
      let name = "/drive-virtio0.img.fidx"
      let theirs = try test.read(test.folder(of: other.path) + name)
      try test.write(theirs, to: test.folder(of: one.path) + name)
      await #expect(throws: DatastoreError.indexCorrupt("drive-virtio0.img.fidx")) {
        try await test.store.open(one.path)
      }
    }
  }

  @Test(arguments: Harm.allCases)
  func `A damaged manifest is refused, a missing one means no snapshot`(harm: Harm) async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let writer = try await test.backUp(noise(100))
      try harm.apply(to: test.folder(of: writer.path) + "/index.json.blob", in: test)
      let relative = writer.path.relative
      let expected: DatastoreError =
        harm == .removed ? .snapshotNotFound(relative) : .manifestCorrupt(relative)
      await #expect(throws: expected) { try await test.store.open(writer.path) }
      #expect(expected.isDamage)
    }
  }

  @Test(arguments: Harm.allCases)
  func `A damaged blob is refused when it is read`(harm: Harm) async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let writer = try await test.backUp([1], blobs: ["a.blob": text(500)])
      try harm.apply(to: test.folder(of: writer.path) + "/a.blob", in: test)
      let snapshot = try await test.store.open(writer.path)
      await #expect(throws: DatastoreError.blobCorrupt("a.blob")) {
        try await snapshot.blob("a.blob")
      }
      for name in ["b.blob", "../a.blob", "drive-virtio0.img.fidx"] {
        await #expect(throws: DatastoreError.blobCorrupt(name)) { try await snapshot.blob(name) }
      }
    }
  }

  @Test(arguments: [
    (#""backup-id": "vps_a""#, #""backup-id": "vps_b""#),
    (#""backup-type": "vm""#, #""backup-type": "ct""#),
    (#""backup-time": 1000"#, #""backup-time": 1001"#),
    ("drive-virtio0", "../virtio0"),
    (#""signature": null"#, #""signature": 5"#),
    (#""size": 100"#, #""size": -1"#),
    (#""csum": ""#, #""csum": "0"#),
    ("}", ""),
  ])
  func `A manifest that contradicts its place or itself is refused`(
    old: String,
    new: String
  ) async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let writer = try await test.backUp(noise(100))
      let json = manifest(csum: String(repeating: "ab", count: 32), cryptMode: "none")
      #expect(json.contains(old))
      let changed = json.replacing(old, with: new)
      try test.write(
        sealed(.plain, Array(changed.utf8)),
        to: test.folder(of: writer.path) + "/index.json.blob"
      )
      await #expect(throws: DatastoreError.manifestCorrupt(writer.path.relative)) {
        try await test.store.open(writer.path)
      }
    }
  }

  @Test func `An encrypted snapshot is refused as what it is`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let writer = try await test.backUp(noise(100))
      let file = test.folder(of: writer.path) + "/index.json.blob"
      let csum = try #require(writer.path.time == 1000 ? String(repeating: "ab", count: 32) : nil)
      try test.write(
        sealed(.plain, Array(manifest(csum: csum, cryptMode: "encrypt").utf8)),
        to: file
      )
      let expected = DatastoreError.encrypted("drive-virtio0.img.fidx")
      await #expect(throws: expected) { try await test.store.open(writer.path) }
      #expect(!expected.isDamage)
      try test.write(DataBlob.Kind.encrypted.magic + noise(99), to: file)
      await #expect(throws: DatastoreError.encrypted("index.json.blob")) {
        try await test.store.open(writer.path)
      }
    }
  }

  @Test func `A disk whose manifest promises more than fits in memory is refused`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let writer = try await test.backUp(noise(100))
      let json = manifest(csum: String(repeating: "ab", count: 32), cryptMode: "none")
        .replacing(#""size": 100"#, with: #""size": 9223372036854775807"#)
      try test.write(
        sealed(.plain, Array(json.utf8)),
        to: test.folder(of: writer.path) + "/index.json.blob"
      )
      await #expect(throws: DatastoreError.indexCorrupt("drive-virtio0.img.fidx")) {
        try await test.store.open(writer.path)
      }
    }
  }

  @Test func `An index that is longer than any disk's is refused unread`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let writer = try await test.backUp(noise(100))
      let name = "drive-virtio0.img.fidx"
      let index = test.folder(of: writer.path) + "/" + name
      // Eight gibibytes of which the file system keeps none.
      let file = try FileHandle(forWritingTo: URL(filePath: index))
      try file.truncate(atOffset: 4096 + 32 << 28)
      try file.close()
      let json = manifest(csum: String(repeating: "ab", count: 32), cryptMode: "none")
        .replacing(#""size": 100"#, with: #""size": \#(1 << 44)"#)
      try test.write(
        sealed(.plain, Array(json.utf8)),
        to: test.folder(of: writer.path) + "/index.json.blob"
      )
      await #expect(throws: DatastoreError.indexCorrupt(name)) {
        try await test.store.open(writer.path)
      }
    }
  }

  @Test func `A manifest that is longer than any is refused`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let writer = try await test.backUp(noise(100))
      let file = test.folder(of: writer.path) + "/index.json.blob"
      let json = try DataBlob.decode(try test.read(file))
      let spaces = [UInt8](repeating: UInt8(ascii: " "), count: (1 << 20) - json.count)
      try test.write(sealed(.plain, json + spaces), to: file)
      _ = try await test.store.open(writer.path)
      let long = json + spaces + [UInt8(ascii: " ")]
      let packed = try long.withRawBytes { span throws(BlobError) in try DataBlob.encode(span) }
      for blob in [sealed(.plain, long), packed] {
        try test.write(blob, to: file)
        await #expect(throws: DatastoreError.manifestCorrupt(writer.path.relative)) {
          try await test.store.open(writer.path)
        }
      }
    }
  }

  @Test func `A manifest that nests deeper than any is refused`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let writer = try await test.backUp(noise(100))
      let file = test.folder(of: writer.path) + "/index.json.blob"
      let json = String(decoding: try DataBlob.decode(try test.read(file)), as: UTF8.self)
      // The manifest and its unprotected part are two levels; brackets within a text are none.
      for (depth, isRead) in [(30, true), (31, false), (100_000, false)] {
        let lists = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        let brackets = String(repeating: "[", count: 99)
        let deep = json.replacing(
          /"unprotected" : \{\s*\}/,
          with: #""unprotected": {"a\"\\": "\#(brackets)", "b": \#(lists)}"#
        )
        #expect(deep != json)
        for wide in [String.Encoding.utf16LittleEndian, .utf32BigEndian] where isRead {
          try test.write(sealed(.plain, [UInt8](try #require(deep.data(using: wide)))), to: file)
          await #expect(throws: DatastoreError.manifestCorrupt(writer.path.relative)) {
            try await test.store.open(writer.path)
          }
        }
        try test.write(sealed(.plain, Array(deep.utf8)), to: file)
        if isRead {
          _ = try await test.store.open(writer.path)
        } else {
          await #expect(throws: DatastoreError.manifestCorrupt(writer.path.relative)) {
            try await test.store.open(writer.path)
          }
        }
      }
    }
  }

  /// A manifest as another program writes it.
  private func manifest(csum: String, cryptMode: String) -> String {
    """
    {"backup-id": "vps_a", "backup-type": "vm", "backup-time": 1000, "signature": null,
     "files": [{"filename": "drive-virtio0.img.fidx", "crypt-mode": "\(cryptMode)",
                "size": 100, "csum": "\(csum)"}],
     "unprotected": {}}
    """
  }
}
