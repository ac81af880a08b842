import Datastore
import Testing

struct NameTests {
  @Test(arguments: [
    "vm/100/2026-01-02T03:04:05Z",
    "ns/cli_a/vm/vps_a/1970-01-01T00:00:01Z",
    "ns/a/ns/b/ns/c/ns/d/ns/e/ns/f/ns/g/vm/x.y-z/9999-12-31T23:59:59Z",
  ])
  func `A snapshot's path reads its own text`(text: String) throws {
    let path = try #require(SnapshotPath(relative: text))
    #expect(path.relative == text)
    #expect(path.type == "vm")
  }

  @Test(arguments: [
    "", "vm", "vm/100", "vm/100/", "/vm/100/2026-01-02T03:04:05Z", "vm//2026-01-02T03:04:05Z",
    "vm/../2026-01-02T03:04:05Z", "vm/.hidden/2026-01-02T03:04:05Z", "vm/-a/2026-01-02T03:04:05Z",
    "ct/100/2026-01-02T03:04:05Z", "host/a/2026-01-02T03:04:05Z", "ns/vm/a/2026-01-02T03:04:05Z",
    "ns/../vm/a/2026-01-02T03:04:05Z", "xx/a/vm/a/2026-01-02T03:04:05Z",
    "ns/a/ns/b/ns/c/ns/d/ns/e/ns/f/ns/g/ns/h/vm/a/2026-01-02T03:04:05Z",
    "vm/a/2026-01-02", "vm/a/2026-01-02T03:04:05", "vm/a/2026-13-02T03:04:05Z",
    "vm/a/2026-02-30T03:04:05Z", "vm/a/2026-01-02t03:04:05z", "vm/a/2026-01-02T03:04:05Z/",
    "vm/a/1970-01-01T00:00:00Z", "vm/a b/2026-01-02T03:04:05Z", "vm/ä/2026-01-02T03:04:05Z",
  ])
  func `Anything but a canonical path is refused`(text: String) {
    #expect(SnapshotPath(relative: text) == nil)
  }

  @Test(arguments: [
    "", ".", "..", "a/b", "/", ".x", "-x", "a\0b", "a b", "é", String(repeating: "a", count: 256),
  ])
  func `A name that could lead out of the store is refused wherever one is taken`(
    name: String
  ) async throws {
    try await withScratch { root in
      let test = try TestStore(root: root + "/store")
      #expect(throws: DatastoreError.invalidName(name)) {
        try SnapshotPath(namespace: [], id: name, time: 1)
      }
      await #expect(throws: DatastoreError.invalidName(name)) {
        try await test.store.begin(namespace: ["a"], id: name, notBefore: 1)
      }
      await #expect(throws: DatastoreError.self) {
        try await test.store.begin(namespace: [name], id: "a", notBefore: 1)
      }
      await #expect(throws: DatastoreError.invalidName(name)) {
        try await test.store.snapshots(namespace: [], id: name)
      }
      let writer = try await test.store.begin(namespace: [], id: "a", notBefore: 1)
      for archive in [name, name + ".blob", name + ".img.fidx"] where !archive.hasPrefix("a.") {
        await #expect(throws: DatastoreError.self) { try await writer.addBlob(archive, []) }
        #expect(throws: DatastoreError.self) { try writer.beginIndex(archive, size: 1) }
      }
      await writer.abandon()
      #expect(try test.filesOutsideChunks() == [".lock", "vm/a/owner"])
    }
  }

  @Test func `Namespaces nest no deeper than the format allows`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let deep = (1...7).map { "n\($0)" }
      try await test.backUp([1], namespace: deep)
      #expect(try await test.store.snapshots(namespace: deep, id: "vps_a").count == 1)
      await #expect(throws: DatastoreError.self) {
        try await test.store.begin(namespace: deep + ["n8"], id: "a", notBefore: 1)
      }
      let long = String(repeating: "a", count: 200)
      await #expect(throws: DatastoreError.self) {
        try await test.store.begin(namespace: [long, long], id: "a", notBefore: 1)
      }
    }
  }

  @Test func `Archive names are taken once, and must say what they are`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let writer = try await test.store.begin(namespace: [], id: "a", notBefore: 1)
      try await writer.addBlob("one.blob", [1])
      await #expect(throws: DatastoreError.invalidName("one.blob")) {
        try await writer.addBlob("one.blob", [2])
      }
      for name in ["index.json.blob", "one", "one.fidx", "owner"] {
        await #expect(throws: DatastoreError.invalidName(name)) {
          try await writer.addBlob(name, [1])
        }
      }
      _ = try writer.beginIndex("drive-a.img.fidx", size: 1)
      for name in ["drive-a.img.fidx", "drive-b.fidx", "drive-b.img.didx", "one.blob"] {
        #expect(throws: DatastoreError.invalidName(name)) {
          try writer.beginIndex(name, size: 1)
        }
      }
      await writer.abandon()
    }
  }
}
