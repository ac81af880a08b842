import Datastore
import Disks
import Hypervisor
import Model

/// One disk of a source, open for reading.
struct SourceDisk: Sendable {
  /// What the domain says of it.
  var observed: ObservedDisk
  /// The index it goes into.
  var archive: String
  /// Its blocks.
  var device: any BlockDevice
  /// What is known of them already; nil: nothing.
  var known: KnownContent?
}

/// What a snapshot holds besides disks: the source's definition, for us and for PVE.
enum SourceDefinition {
  /// The index's name for a device, as PVE names drives: `drive-virtio0.img.fidx`.
  static func archive(for disk: ObservedDisk) -> String {
    "\(driveName(for: disk)).img.fidx"
  }

  private static func driveName(for disk: ObservedDisk) -> String { "drive-\(pveDevice(disk))" }

  /// `virtio0` for `vda`, `scsi1` for `sdb` on SCSI, and so on.
  private static func pveDevice(_ disk: ObservedDisk) -> String {
    let bus =
      switch disk.bus {
      case "virtio", "scsi", "sata", "ide": disk.bus
      default: "virtio"
      }
    let letters = disk.device.utf8.dropFirst(2)
    let number = letters.reduce(0) { $0 * 26 + Int($1) - Int(UInt8(ascii: "a")) + 1 } - 1
    return "\(bus)\(max(0, number))"
  }

  /// The lines that PVE asks for before it restores a virtual machine.
  static func qemuServerConfiguration(of vps: VPS, _ observation: Observation) -> [UInt8] {
    var lines: [String] = []
    let name = vps.name.unicodeScalars.filter { !$0.properties.isWhitespace }
      .map { $0.isASCII && ($0.properties.isAlphabetic || $0.value < 58) ? String($0) : "-" }
      .joined()
    lines.append("name: \(name)")
    lines.append("cores: \(observation.cpuCores)")
    lines.append("memory: \(max(16, observation.memoryBytes >> 20))")
    lines.append("bios: \(observation.firmware == .bios ? "seabios" : "ovmf")")
    for disk in observation.disks {
      let size = ((disk.sizeBytes ?? 0) + 1023) / 1024
      lines.append("\(pveDevice(disk)): local:\(pveDevice(disk)),size=\(size)K")
    }
    for disk in observation.disks {
      lines.append("#qmdump#map:\(pveDevice(disk)):\(driveName(for: disk)):local:raw:")
    }
    return Array((lines.joined(separator: "\n") + "\n").utf8)
  }
}
