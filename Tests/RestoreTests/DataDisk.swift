import Backup
import Catalog
import Checksum
import Datastore
import Disks
import Foundation
import Hypervisor
import Logging
import Model
import TestSupport

/// A guest's second disk, which only the test writes to, and what must be on it.
struct DataDisk: Sendable {
  static let size = 40 << 20
  private static let block = 4096

  var model = [UInt8](repeating: 0, count: size)
  var generator = SeededGenerator(seed: UInt64.random(in: 0...UInt64.max))

  static func path(of guest: MicroGuest) -> String { "\(guest.folder)/data.qcow2" }

  /// Writes runs of one letter, or of zeros, to random places.
  ///
  /// Unless the guest flushes, only its QEMU knows where some of it is.
  mutating func change(in guest: MicroGuest, times: Int, isFlushed: Bool = true) async throws {
    let (script, after) = nextChanges(times: times, isFlushed: isFlushed)
    try await guest.shell(script)
    model = after
  }

  /// The next random changes: what makes them in the guest, and the disk after them.
  mutating func nextChanges(
    times: Int,
    isFlushed: Bool = true
  ) -> (script: String, after: [UInt8]) {
    var after = model
    var lines: [String] = []
    let blocks = Self.size / Self.block
    for _ in 0..<times {
      let start = Int.random(in: 0..<blocks, using: &generator)
      let count = min(blocks - start, Int.random(in: 1...300, using: &generator))
      let letter = UInt8.random(in: 0x61...0x7a, using: &generator)
      let isZero = Int.random(in: 0..<5, using: &generator) == 0
      let range = start * Self.block..<(start + count) * Self.block
      after.replaceSubrange(
        range,
        with: repeatElement(isZero ? 0 : letter, count: range.count)
      )
      let fill = isZero ? "" : " | tr '\\0' '\(Character(UnicodeScalar(letter)))'"
      lines.append("head -c \(range.count) /dev/zero\(fill) >/tmp/run")
      lines.append(
        "dd if=/tmp/run of=/dev/vdb bs=\(Self.block) seek=\(start) "
          + "conv=notrunc\(isFlushed ? ",fsync" : "") 2>/dev/null"
      )
    }
    return (lines.joined(separator: "\n"), after)
  }
}

extension DataDisk {
  /// Lets the disk of a guest that is off hold other bytes.
  static func fill(_ guest: MicroGuest, with bytes: [UInt8]) async throws {
    let raw = "\(guest.folder)/data.raw"
    try Data(bytes).write(to: URL(filePath: raw))
    try await TestProcess.run(
      "qemu-img",
      ["convert", "-n", "-O", "qcow2", raw, path(of: guest)]
    )
    try FileManager.default.removeItem(atPath: raw)
  }
}

/// Runs `body` with a guest that has a data disk; its first disk is qcow2 unless told otherwise.
func withDataDisk(
  _ options: MicroGuest.Options? = nil,
  _ body: (MicroGuest, DataDisk) async throws -> Void
) async throws {
  var chosen = options ?? MicroGuest.Options()
  if options == nil { chosen.format = "qcow2" }
  chosen.size = "64M"
  let guestOptions = chosen
  try await withMicroGuest(guestOptions) { guest in
    let path = DataDisk.path(of: guest)
    try await TestProcess.run(
      "qemu-img",
      ["create", "-q", "-f", "qcow2", path, "\(DataDisk.size)"]
    )
    try await guest.libvirt.handToQEMU(path)
    try await guest.libvirt.hypervisor().attachDevice(
      guest.reference,
      xml: """
        <disk type='file' device='disk'><driver name='qemu' type='qcow2' discard='unmap'/>\
        <source file='\(path)'/><target dev='vdb' bus='virtio'/></disk>
        """
    )
    try await body(guest, DataDisk())
  }
}

extension RestoreWorld {
  /// What a backup holds of the data disk, read chunk by chunk and verified.
  func content(of result: BackupResult) async throws -> [UInt8] {
    let snapshot = try await datastore.open(snapshotPath(of: result.backupID))
    guard let index = snapshot.indexes["drive-virtio1.img.fidx"] else {
      throw Unexpected(description: "no index in \(snapshot.manifest)")
    }
    let buffer = AlignedBuffer(capacity: index.chunkSize)
    var bytes: [UInt8] = []
    for chunk in 0..<index.chunkCount {
      let length = index.length(of: chunk)
      try await datastore.readChunk(index.digests[chunk], into: buffer, expecting: length)
      bytes += buffer.withBytes(length) { concatenate([], $0) }
    }
    return bytes
  }

  func snapshotPath(of backup: BackupID) async throws -> SnapshotPath {
    let text = try await catalog.read { try $0.backup(backup)?.snapshotPath }
    guard let path = text.flatMap(SnapshotPath.init(relative:)) else {
      throw Unexpected(description: "\(backup) has no snapshot")
    }
    return path
  }

  /// Shuts a guest down by its agent and waits until it is off.
  func shutDown(_ guest: MicroGuest) async throws {
    try await guest.shell("sync")
    try await hypervisor.requestShutdown(of: guest.reference)
    try await hypervisor.waitUntil(guest.reference, is: [.stopped], within: .seconds(60))
  }

  /// Removes the checkpoints that no backup will count from.
  func sweep() async throws {
    await CheckpointSweep(
      catalog: catalog,
      hypervisor: hypervisor,
      node: "local",
      logger: Logger(label: "test")
    ).run()
  }
}
