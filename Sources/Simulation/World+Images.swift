import Datastore
import Foundation
import Model

/// A complete backup and what it holds, disk by disk.
struct KeptBackup: Sendable {
  var id: BackupID
  var vps: VPSID
  var bytes: [[UInt8]]
}

extension World {
  /// The beginning of an image that records changes; the guest's bytes follow as they are.
  static func header(size: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Guest.headerCount)
    func put(_ value: Int, _ count: Int, at place: Int) {
      for byte in 0..<count {
        bytes[place + byte] = UInt8(truncatingIfNeeded: value >> (8 * (count - 1 - byte)))
      }
    }
    put(0x5146_49fb, 4, at: 0)
    put(3, 4, at: 4)
    put(16, 4, at: 20)
    put(size, 8, at: 24)
    put(4, 4, at: 96)
    put(104, 4, at: 100)
    return bytes
  }

  /// Where another program has begun a snapshot that is none of our business.
  func foreignSnapshot(beside vps: VPS) -> String {
    "\(folder)/store/ns/\(vps.clientID.text)/vm/\(vps.id.text)/2026-01-01T00:00:00Z"
  }

  /// Lets another program begin a snapshot.
  func addForeignSnapshot(beside vps: VPS) throws {
    let path = foreignSnapshot(beside: vps)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try Data("theirs".utf8).write(to: URL(filePath: "\(path)/qemu-server.conf.blob"))
  }

  /// A VPS's guest.
  func guest(of side: Work.Side) -> Guest { side == .target ? guest : sourceGuest }
}

extension World {
  /// What guests do beside everything: they write now and then, as chance has it.
  var breath: @Sendable () -> Void {
    let (guests, chance) = (guests, course.chance)
    return { guests.breathe(chance) }
  }
}
