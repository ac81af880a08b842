import Disks
import Foundation
import Guest
import Model
import TestSupport
import Testing

@Suite struct SeedImageTests {
  private static func seed(_ instanceID: String = "one") throws -> Seed {
    try Seed(
      instanceID: instanceID,
      hostname: "alpha",
      network: nil,
      macAddresses: ["52:54:00:aa:00:01"],
      userData: "#cloud-config\npassword: secret\n"
    )
  }

  /// Makes an image of files as an operator would.
  private static func image(
    _ files: [String: Data],
    label: String = "cidata",
    in folder: String,
    prepare: (String) throws -> Void = { _ in }
  ) async throws -> String {
    let tree = "\(folder)/tree"
    try FileManager.default.createDirectory(atPath: tree, withIntermediateDirectories: true)
    for (name, data) in files { try data.write(to: URL(filePath: "\(tree)/\(name)")) }
    try prepare(tree)
    let image = "\(folder)/operator.iso"
    try await TestProcess.run(
      "xorriso",
      ["-as", "genisoimage", "-quiet", "-o", image, "-V", label, "-J", "-r", tree]
    )
    return image
  }

  @Test func `What is written is read back`() async throws {
    try await withScratch { folder in
      let seed = try Self.seed()
      let path = "\(folder)/seed.iso"
      try await SeedWriter.write(seed, to: path)
      #expect(try await SeedReader.isSeed(path))
      let contents = try await SeedReader.read(path, scratch: folder)
      #expect(contents.metaData == seed.metaData)
      #expect(contents.networkConfig == seed.networkConfig)
      #expect(contents.userData == seed.userData)
      #expect(contents.vendorData == seed.vendorData)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["seed.iso"])
    }
  }

  @Test func `The same seed is the same bytes, another one isn't`() async throws {
    try await withScratch { folder in
      let paths = ["a", "b", "c"].map { "\(folder)/\($0)" }
      try await SeedWriter.write(Self.seed(), to: paths[0])
      try await SeedWriter.write(Self.seed(), to: paths[1])
      try await SeedWriter.write(Self.seed("two"), to: paths[2])
      let bytes = try paths.map { try Data(contentsOf: URL(filePath: $0)) }
      #expect(bytes[0] == bytes[1])
      // The volume's dates of creation and change; the clock must not be in them.
      for offset in [813, 830] {
        let date = bytes[0].dropFirst(32768 + offset).prefix(16)
        #expect(String(decoding: date, as: UTF8.self) == "2020010100000000")
      }
      #expect(bytes[0] != bytes[2])
    }
  }

  @Test func `A seed has the owner and the mode that it is given`() async throws {
    try await withScratch { folder in
      let path = "\(folder)/seed.iso"
      try await SeedWriter.write(
        Self.seed(),
        to: path,
        owner: RuntimeDirectory.Owner(user: 65534, group: 65533)
      )
      let attributes = try FileManager.default.attributesOfItem(atPath: path)
      #expect(attributes[.ownerAccountID] as? Int == 65534)
      #expect(attributes[.groupOwnerAccountID] as? Int == 65533)
      #expect(attributes[.posixPermissions] as? Int == 0o600)
    }
  }

  @Test func `A seed replaces another one, and what an interrupted run left goes`() async throws {
    try await withScratch { folder in
      let path = "\(folder)/seed.iso"
      try await SeedWriter.write(Self.seed(), to: path)
      try FileManager.default.createDirectory(
        atPath: "\(folder)/.seed.iso.partial",
        withIntermediateDirectories: false
      )
      try Data("half".utf8).write(to: URL(filePath: "\(folder)/.seed.iso.partial/image"))
      try await SeedWriter.write(Self.seed("two"), to: path)
      #expect(try await SeedReader.read(path, scratch: folder).metaData?.contains("two") == true)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["seed.iso"])
    }
  }

  @Test func `Where nothing can be written the old seed stays and nothing is left`() async throws {
    try await withScratch { folder in
      await #expect(throws: SeedError.notFound(path: "\(folder)/missing/.seed.iso.partial")) {
        try await SeedWriter.write(Self.seed(), to: "\(folder)/missing/seed.iso")
      }
      // A folder in the way can't be replaced by a file.
      try FileManager.default.createDirectory(
        atPath: "\(folder)/taken",
        withIntermediateDirectories: false
      )
      await #expect(throws: SeedError.self) {
        try await SeedWriter.write(Self.seed(), to: "\(folder)/taken")
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["taken"])
    }
  }

  @Test(arguments: ["cidata", "CIDATA"])
  func `An operator's seed is recognised and read`(_ label: String) async throws {
    try await withScratch { folder in
      let image = try await Self.image(
        ["user-data": Data("#cloud-config\n# ä\n".utf8), "meta-data": Data("{}".utf8)],
        label: label,
        in: folder
      )
      #expect(try await SeedReader.isSeed(image))
      let contents = try await SeedReader.read(image, scratch: folder)
      #expect(contents.userData == "#cloud-config\n# ä\n")
      #expect(contents.metaData == "{}")
      #expect(contents.networkConfig == nil && contents.vendorData == nil)
    }
  }

  @Test func `Another image is no seed`() async throws {
    try await withScratch { folder in
      let image = try await Self.image(["user-data": Data()], label: "cidata2", in: folder)
      #expect(try await !SeedReader.isSeed(image))
      await #expect(throws: SeedError.self) {
        try await SeedReader.read(image, scratch: folder)
      }
      for (name, data) in [
        ("empty", Data()), ("short", Data([0x55, 0xAA])), ("zero", Data(count: 65536)),
      ] {
        let path = "\(folder)/\(name)"
        try data.write(to: URL(filePath: path))
        #expect(try await !SeedReader.isSeed(path))
      }
      await #expect(throws: SeedError.notFound(path: "\(folder)/missing")) {
        try await SeedReader.isSeed("\(folder)/missing")
      }
    }
  }

  @Test(arguments: [(38, 43, "FAT16   "), (38, 43, "FAT12   "), (66, 71, "FAT32   ")])
  func `A FAT seed is recognised, and refused with a reason`(
    _ signature: Int,
    _ label: Int,
    _ kind: String
  ) async throws {
    try await withScratch { folder in
      var sector = [UInt8](repeating: 0, count: 512)
      sector[signature] = 0x29
      sector.replaceSubrange(label..<(label + 11), with: "CIDATA     ".utf8)
      sector.replaceSubrange((label + 11)..<(label + 19), with: kind.utf8)
      sector.replaceSubrange(510..<512, with: [0x55, 0xAA])
      let path = "\(folder)/fat"
      try Data(sector).write(to: URL(filePath: path))
      #expect(try await SeedReader.isSeed(path))
      await #expect(
        throws: SeedError.unreadable(
          path: path,
          reason: "it is a FAT image; only ISO 9660 is taken over"
        )
      ) {
        try await SeedReader.read(path, scratch: folder)
      }
    }
  }

  @Test func `A pipe in place of an image is refused without waiting`() async throws {
    try await withScratch { folder in
      let path = "\(folder)/pipe"
      try await TestProcess.run("mkfifo", [path])
      await #expect(throws: SeedError.self) { try await SeedReader.isSeed(path) }
    }
  }

  @Test func `Too long files, other than text and links are not taken over`() async throws {
    try await withScratch { folder in
      let long = try await Self.image(
        ["user-data": Data(repeating: 0x23, count: Limits.userDataBytes + 1)],
        in: "\(folder)/long"
      )
      await #expect(throws: SeedError.tooLong(file: "user-data")) {
        try await SeedReader.read(long, scratch: folder)
      }
      let binary = try await Self.image(
        ["user-data": Data([0x1F, 0x8B, 0x08, 0xFF])],
        in: "\(folder)/binary"
      )
      await #expect(throws: SeedError.notText(file: "user-data")) {
        try await SeedReader.read(binary, scratch: folder)
      }
      let link = try await Self.image(["meta-data": Data("{}".utf8)], in: "\(folder)/link") {
        tree in
        try FileManager.default.createSymbolicLink(
          atPath: "\(tree)/user-data",
          withDestinationPath: "/etc/passwd"
        )
      }
      let contents = try await SeedReader.read(link, scratch: folder)
      #expect(contents.userData == nil && contents.metaData == "{}")
    }
  }

  @Test func `A damaged image is refused and leaves nothing behind`() async throws {
    try await withScratch { folder in
      let image = try await Self.image(["user-data": Data("#cloud-config\n".utf8)], in: folder)
      let scratch = "\(folder)/scratch"
      try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: false)
      // Only the descriptor that holds the label is left.
      try Data(contentsOf: URL(filePath: image)).prefix(18 * 2048).write(to: URL(filePath: image))
      await #expect(throws: SeedError.self) {
        try await SeedReader.read(image, scratch: scratch)
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: scratch).isEmpty)
    }
  }

  @Test func `An image that is too large is refused`() async throws {
    try await withScratch { folder in
      let image = try await Self.image(["user-data": Data("#cloud-config\n".utf8)], in: folder)
      let file = try FileHandle(forWritingTo: URL(filePath: image))
      try file.truncate(atOffset: 64 * 1024 * 1024)
      try file.close()
      await #expect(throws: SeedError.self) {
        try await SeedReader.read(image, scratch: folder)
      }
    }
  }
}
