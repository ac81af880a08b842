import Foundation
import TestSupport
import Testing

@Suite struct BootHookTests {
  /// A root folder with a shell of its own, in which the boothook runs and which it can't leave.
  struct Root {
    static let ownID = "11111111222233334444555555555566"
    static let sourceID = "99999999888877776666555555555544"

    let path: String

    init(_ path: String, productID: String?) async throws {
      self.path = path
      for folder in [
        "bin", "dev", "etc", "proc/sys/kernel/random", "sys/class/dmi/id", "var/lib/dbus",
      ] {
        try FileManager.default.createDirectory(
          atPath: "\(path)/\(folder)",
          withIntermediateDirectories: true
        )
      }
      try FileManager.default.copyItem(atPath: "/bin/busybox", toPath: "\(path)/bin/busybox")
      for program in ["cat", "mkdir", "mv", "sh", "sync", "tr"] {
        try FileManager.default.createSymbolicLink(
          atPath: "\(path)/bin/\(program)",
          withDestinationPath: "busybox"
        )
      }
      try write("#!/bin/sh\necho \"$*\" >>/systemctl.log", to: "bin/systemctl")
      try await TestProcess.run("chmod", ["0755", "\(path)/bin/systemctl"])
      try write("", to: "dev/null")
      try write(Self.sourceID, to: "etc/machine-id")
      try write(Self.sourceID, to: "var/lib/dbus/machine-id")
      try write("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee", to: "proc/sys/kernel/random/uuid")
      if let productID { try write(productID, to: "sys/class/dmi/id/product_uuid") }
    }

    func write(_ text: String, to file: String) throws {
      try "\(text)\n".write(toFile: "\(path)/\(file)", atomically: false, encoding: .utf8)
    }

    func text(_ file: String) throws -> String {
      try String(contentsOfFile: "\(path)/\(file)", encoding: .utf8)
        .trimmingCharacters(in: .newlines)
    }

    /// Runs the hook as cloud-init does: without its first line.
    func runHook(instanceID: String = "one") async throws {
      let body = try #require(
        SeedTests.vendorParts(SeedTests.seed(instanceID: instanceID)).first?.body
      )
      try write(body.replacing("#cloud-boothook\n", with: ""), to: "hook")
      try await TestProcess.run("chroot", [path, "/bin/sh", "/hook"])
    }
  }

  private static let productID = "11111111-2222-3333-4444-555555555566"

  @Test func `The machine gets its own id, once per instance`() async throws {
    try await withScratch { folder in
      let root = try await Root(folder, productID: Self.productID)
      try await root.runHook()
      #expect(try root.text("etc/machine-id") == Root.ownID)
      #expect(try root.text("var/lib/dbus/machine-id") == Root.ownID)

      // An administrator's later change is theirs.
      try root.write(Root.sourceID, to: "etc/machine-id")
      try await root.runHook()
      #expect(try root.text("etc/machine-id") == Root.sourceID)

      try await root.runHook(instanceID: "two")
      #expect(try root.text("etc/machine-id") == Root.ownID)
    }
  }

  @Test func `What depends on the id is started anew, only if the id has changed`() async throws {
    try await withScratch { folder in
      let root = try await Root(folder, productID: Self.productID)
      try FileManager.default.createDirectory(
        atPath: "\(folder)/run/systemd/system",
        withIntermediateDirectories: true
      )
      try await root.runHook()
      try await root.runHook(instanceID: "two")
      #expect(
        try root.text("systemctl.log")
          == "--no-block try-restart systemd-journald.service systemd-networkd.service"
      )
    }
  }

  @Test(
    arguments: [
      nil, "", "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
      "Not Settable", "1111",
    ])
  func `Where the hypervisor shows no id a random one is taken`(
    _ productID: String?
  ) async throws {
    try await withScratch { folder in
      let root = try await Root(folder, productID: productID)
      try await root.runHook()
      #expect(try root.text("etc/machine-id") == "aaaaaaaabbbb4ccc8dddeeeeeeeeeeee")
    }
  }

  @Test func `A link to the machine id stays a link, a missing one stays missing`() async throws {
    try await withScratch { folder in
      let root = try await Root(folder, productID: Self.productID)
      let link = "\(folder)/var/lib/dbus/machine-id"
      try FileManager.default.removeItem(atPath: link)
      try await root.runHook()
      #expect(!FileManager.default.fileExists(atPath: link))

      try FileManager.default.createSymbolicLink(
        atPath: link,
        withDestinationPath: "/etc/machine-id"
      )
      try await root.runHook(instanceID: "two")
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "/etc/machine-id")
    }
  }

  @Test func `A hook that can't finish isn't taken for done`() async throws {
    try await withScratch { folder in
      let root = try await Root(folder, productID: Self.productID)
      // A folder in the file's place, which even root can't write to.
      try FileManager.default.removeItem(atPath: "\(folder)/etc/machine-id")
      try FileManager.default.createDirectory(
        atPath: "\(folder)/etc/machine-id",
        withIntermediateDirectories: false
      )
      await #expect(throws: TestProcess.Failure.self) { try await root.runHook() }
      #expect(!FileManager.default.fileExists(atPath: "\(folder)/var/lib/rehome/instance"))
    }
  }
}
