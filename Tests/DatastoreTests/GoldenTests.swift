import Checksum
import Datastore
import Disks
import Foundation
import Testing

struct GoldenTests {
  @Test func `A store written by another implementation is read byte for byte`() async throws {
    try await withScratch { root in
      let report = try PythonStore.write(root)
      let test = try TestStore(root: root)
      let (relative, expected) = try #require(report.snapshots.first)
      let path = try #require(SnapshotPath(relative: relative))
      let snapshot = try await test.store.open(path)
      for (archive, hex) in expected.disks {
        #expect(digest(try await test.restore(path, archive: archive)).description == hex)
      }
      #expect(
        try await snapshot.blob("qemu-server.conf.blob") == Array("name: golden\n".utf8)
      )
      #expect(
        snapshot.manifest.unprotected["chunk_upload_stats"] == ["later": "kept as it is"]
      )
      #expect(
        try await test.store.snapshots(namespace: ["cli_golden", "inner"], id: "vps_golden")
          == [path]
      )
    }
  }

  @Test func `The indexes of another implementation tell zeros and lengths`() async throws {
    try await withScratch { root in
      let report = try PythonStore.write(root)
      let test = try TestStore(root: root)
      let path = try #require(report.snapshots.keys.first.flatMap { SnapshotPath(relative: $0) })
      let snapshot = try await test.store.open(path)
      let small = try #require(snapshot.indexes["drive-virtio0.img.fidx"])
      #expect(small.chunkSize == 65536)
      #expect(small.size == 5 * 65536 + 1001)
      #expect(
        (0..<small.chunkCount).map(small.length) == [65536, 65536, 65536, 65536, 65536, 1001]
      )
      #expect((0..<small.chunkCount).filter(small.isZero) == [2])
      let large = try #require(snapshot.indexes["drive-scsi1.img.fidx"])
      #expect((0..<large.chunkCount).map(large.isZero) == [true, true])
      #expect((0..<large.chunkCount).map(large.length) == [4 << 20, 513])
    }
  }

  @Test(arguments: SyncLevel.allCases)
  func `Another implementation reads what is written here, and finds nothing else`(
    sync: SyncLevel
  ) async throws {
    try await withScratch { root in
      let test = try TestStore(root: root, sync: sync)
      let large = 4 << 20
      let disk = noise(large) + text(large) + zeros(large) + text(512 * 3 + 7)
      let holes = zeros(large * 2 + 4096)
      let writer = try await test.store.begin(
        namespace: ["cli_a"],
        id: "vps_a",
        notBefore: 1_767_323_045
      )
      for (name, disk) in [("drive-virtio0.img.fidx", disk), ("drive-scsi1.img.fidx", holes)] {
        let index = try writer.beginIndex(name, size: Int64(disk.count))
        try await test.put(disk, in: index)
        try await index.close()
      }
      let config = text(3000)
      try await writer.addBlob("qemu-server.conf.blob", config)
      try await writer.addBlob("libvirt-domain.xml.blob", [1, 2, 3])
      try await writer.addBlob("fw.conf.blob", [])
      _ = try await writer.finish(unprotected: ["rehome": ["backupId": "bkp_1", "vpsId": "vps_a"]])

      let report = try PythonStore.read(root)
      #expect(report.strays == [])
      let found = try #require(
        report.snapshots["ns/cli_a/vm/vps_a/2026-01-02T03:04:05Z"]
      )
      #expect(
        found
          == PythonStore.Snapshot(
            disks: [
              "drive-virtio0.img.fidx": digest(disk).description,
              "drive-scsi1.img.fidx": digest(holes).description,
            ],
            blobs: [
              "qemu-server.conf.blob": hex(config), "libvirt-domain.xml.blob": "010203",
              "fw.conf.blob": "",
            ],
            unprotected: ["rehome": ["backupId": "bkp_1", "vpsId": "vps_a"]]
          )
      )
      #expect(
        try String(contentsOfFile: "\(root)/ns/cli_a/vm/vps_a/owner", encoding: .utf8)
          == "rehome@pbs\n"
      )
    }
  }

  @Test func `A chunk that doesn't pack is stored plain, to the byte`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let plain = noise(1000)
      try await test.backUp(plain)
      let file = try test.read(test.file(of: digest(plain)))
      let checksum = plain.withRawBytes { CRC32.checksum(of: $0) }
      #expect(hex(Array(file[0..<8])) == "42ab3807be8370a1")
      #expect(
        Array(file[8..<12])
          == (0..<4).map { UInt8(truncatingIfNeeded: checksum >> ($0 * 8)) }
      )
      #expect(Array(file[12...]) == plain)
    }
  }

  @Test(arguments: [
    (4 << 20, "bb9f8df61474d25e71fa00722318cd387396ca1736605e1248821cc0de3d3af8"),
    (1 << 20, "30e14955ebf1352266dc2ff8067e68104607e750abb9d3b36582b8af909fcb58"),
  ])
  func `A hole becomes the well-known chunk of zeros, once`(
    chunkSize: Int,
    name: String
  ) async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let writer = try await test.backUp(zeros(chunkSize * 3), chunkSize: chunkSize)
      let snapshot = try await test.store.open(writer.path)
      #expect(
        snapshot.indexes["drive-virtio0.img.fidx"]?.digests.map(\.description)
          == [name, name, name]
      )
      #expect(try FileManager.default.contentsOfDirectory(atPath: "\(root)/.chunks").count == 1)
      #expect(try test.read("\(root)/.chunks/\(name.prefix(4))/\(name)").count < 1000)
    }
  }
}

/// The hexadecimal digits of `bytes`.
func hex(_ bytes: [UInt8]) -> String {
  let digits = Array("0123456789abcdef")
  return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
}
