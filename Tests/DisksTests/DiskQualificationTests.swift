import Disks
import Foundation
import Testing

struct DiskQualificationTests {
  @Test func `A plain file qualifies, by its real path through links`() async throws {
    try await withScratch { scratch in
      try FileManager.default.createDirectory(
        atPath: "\(scratch)/pool",
        withIntermediateDirectories: false
      )
      try write([1], to: "\(scratch)/pool/disk")
      try await Tool.succeed("ln", "-s", "pool", "\(scratch)/link")
      try await Tool.succeed("ln", "-s", "link/disk", "\(scratch)/disk")
      let expected = DiskQualification.qualified(
        path: "\(scratch)/pool/disk",
        identity: try await FileIdentity.of("\(scratch)/pool/disk")
      )
      for path in ["pool/disk", "link/disk", "disk"] {
        #expect(try await DiskQualification.check("\(scratch)/\(path)") == expected)
      }
      // The probe leaves nothing.
      #expect(try FileManager.default.contentsOfDirectory(atPath: "\(scratch)/pool") == ["disk"])
    }
  }

  @Test func `What isn't a file with one name doesn't qualify`() async throws {
    try await withScratch { scratch in
      try write([1], to: "\(scratch)/several")
      try await Tool.succeed("ln", "\(scratch)/several", "\(scratch)/name")
      try await Tool.succeed("mkfifo", "\(scratch)/pipe")
      let long = String(repeating: "n", count: 220)
      try write([1], to: "\(scratch)/\(long)")
      let cases: [(String, DiskQualification.Reason)] = [
        ("several", .severalNames), ("name", .severalNames), ("pipe", .notRegularFile),
        (".", .notRegularFile), ("none", .missing), (long, .nameTooLong),
      ]
      for (name, reason) in cases {
        #expect(try await DiskQualification.check("\(scratch)/\(name)") == .unqualified(reason))
      }
      #expect(try await DiskQualification.check("/dev/null") == .unqualified(.notRegularFile))
    }
  }

  @Test func `A file that something is mounted on doesn't qualify`() async throws {
    try await withScratch { scratch in
      try write([1], to: "\(scratch)/disk")
      try write([2], to: "\(scratch)/below")
      let mounted = try await Tool.run("mount", "--bind", "\(scratch)/below", "\(scratch)/disk")
      guard mounted.status == 0 else { try Test.cancel("no mount here") }
      let found = await Result { try await DiskQualification.check("\(scratch)/disk") }
      try await Tool.succeed("umount", "\(scratch)/disk")
      #expect(try found.get() == .unqualified(.mountPoint))
    }
  }

  @Test func `A file system that can't keep stamps doesn't qualify`() async throws {
    try await withScratch { scratch in
      try await withMount(scratch, ["-t", "ramfs", "ramfs"]) { point in
        try write([1], to: "\(point)/disk")
        #expect(
          try await DiskQualification.check("\(point)/disk") == .unqualified(.noExtendedAttributes)
        )
        #expect(try FileManager.default.contentsOfDirectory(atPath: point) == ["disk"])
      }
    }
  }

  @Test func `XFS qualifies as ext4 does`() async throws {
    try await withScratch { scratch in
      let image = "\(scratch)/xfs"
      try await Tool.succeed("truncate", "-s", "320M", image)
      try await Tool.succeed("mkfs.xfs", "-q", image)
      try await withMount(scratch, ["-o", "loop", image]) { point in
        try write([1], to: "\(point)/disk")
        guard case .qualified = try await DiskQualification.check("\(point)/disk") else {
          Issue.record("not qualified")
          return
        }
      }
    }
  }

  @Test func `Links, several names and mounts are refused by the exchange itself`() async throws {
    try await withScratch { scratch in
      let exchange = RenameExchange()
      for trouble in ["link", "names", "mount", "gone"] {
        let current = "\(scratch)/\(trouble)"
        try write(Array("old".utf8), to: current)
        let stage = try await Stage.create(
          beside: current,
          format: .raw,
          virtualSize: 3,
          job: "job_a",
          disk: "vda"
        )
        let pair = ExchangePair(job: "job_a", disk: "vda", current: current, staged: stage.path)
        let lock = try await ImageLock.exclusive([current, stage.path])
        try await exchange.prepare([pair], holding: lock)
        switch trouble {
        case "link":
          try await Tool.succeed("mv", current, "\(current)-real")
          try await Tool.succeed("ln", "-s", "\(current)-real", current)
        case "names": try await Tool.succeed("ln", current, "\(current)-other")
        case "mount":
          guard try await Tool.run("mount", "--bind", current, current).status == 0 else {
            continue
          }
        default: try await Tool.succeed("mv", stage.path, "\(stage.path)-away")
        }
        await #expect(throws: DiskError.self, "\(trouble)") {
          try await exchange.exchange(pair, holding: lock)
        }
        if trouble == "mount" { try await Tool.succeed("umount", current) }
        #expect(String(decoding: try contents(current), as: UTF8.self) == "old")
      }
    }
  }
}

extension Result where Failure == any Error {
  /// Catches what an asynchronous `body` throws.
  fileprivate init(_ body: () async throws -> Success) async {
    do {
      self = .success(try await body())
    } catch {
      self = .failure(error)
    }
  }
}
