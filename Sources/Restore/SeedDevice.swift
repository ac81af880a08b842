import Foundation
package import Hypervisor

/// Which device of a domain carries the cloud-init seed, and its XML with another seed in it.
package enum SeedDevice {
  /// The change that puts the seed at `path` into a domain.
  ///
  /// A device that reads one of ours, or the operator's adopted one, keeps its place; else a new
  /// read-only disk comes on the bus of the first disk.
  package static func change(
    in disks: [DomainDisk],
    to path: String,
    seedsDirectory: String,
    adopted: String?
  ) -> SeedChange {
    let present = disks.first { disk in
      disk.isReadOnly
        && disk.sourcePath.map { $0 == adopted || $0.hasPrefix(seedsDirectory + "/") }
          ?? false
    }
    if let present, let xml = replacingSource(of: present.xml, with: path) {
      return SeedChange(
        device: present.targetDevice,
        before: present.xml,
        after: xml,
        path: path
      )
    }
    let bus = disks.first { $0.device == .disk && !$0.isReadOnly }?.bus ?? "virtio"
    let device = freeName(on: bus, taken: Set(disks.map(\.targetDevice)))
    return SeedChange(
      device: device,
      before: nil,
      after: Self.device(device, kind: .disk, bus: bus, path: path),
      path: path
    )
  }

  /// The device's XML with another file behind it, in the same place of the machine.
  ///
  /// Made anew: what libvirt adds to a running device would be refused in a definition.
  static func replacingSource(of xml: String, with path: String) -> String? {
    do throws(HypervisorError) {
      let disk = try DomainDisk(xml: xml)
      return device(
        disk.targetDevice,
        kind: disk.device,
        bus: disk.bus,
        path: path,
        address: addressElement(in: xml)
      )
    } catch {
      return nil
    }
  }

  /// The file behind a device.
  static func sourcePath(of xml: String) -> String? {
    do throws(HypervisorError) {
      return try DomainDisk(xml: xml).sourcePath
    } catch {
      return nil
    }
  }

  private static func device(
    _ name: String,
    kind: DomainDisk.Device,
    bus: String,
    path: String,
    address: String = ""
  ) -> String {
    """
    <disk type='file' device='\(kind.rawValue)'><driver name='qemu' type='raw'/>\
    <source file='\(escaped(path))'/><target dev='\(escaped(name))' bus='\(escaped(bus))'/>\
    <readonly/>\(address)</disk>
    """
  }

  /// Where the device is plugged in; libvirt writes it as one empty element.
  private static func addressElement(in xml: String) -> String {
    guard let start = xml.range(of: "<address "),
      let end = xml.range(of: "/>", range: start.upperBound..<xml.endIndex)
    else { return "" }
    return String(xml[start.lowerBound..<end.upperBound])
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
      .replacing("'", with: "&apos;").replacing("\"", with: "&quot;")
  }

  private static func freeName(on bus: String, taken: Set<String>) -> String {
    let prefix =
      switch bus {
      case "virtio": "vd"
      case "ide": "hd"
      default: "sd"
      }
    let letters = "bcdefghijklmnopqrstuvwxyz"
    return letters.lazy.map { "\(prefix)\($0)" }.first { !taken.contains($0) } ?? "\(prefix)zz"
  }
}
