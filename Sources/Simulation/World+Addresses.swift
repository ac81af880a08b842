import Foundation
import Hypervisor
import Model
import TestSupport

extension World {
  /// The address that a VPS holds, and that its disks insist on where they do.
  private static func address(of domain: String) -> String {
    domain == "target" ? "192.0.2.7/24" : "192.0.2.50/24"
  }

  /// What a VPS is registered with; nil: any address is its own.
  func network(of domain: String) throws -> NetworkConfiguration? {
    guard scenario.insists else { return nil }
    return try NetworkConfiguration(
      text: "{ version: 2, ethernets: { eth0: { addresses: [ \(Self.address(of: domain)) ] } } }"
    )
  }

  /// Makes the target's guest show what belongs to its disks.
  func showAddresses() async {
    guard scenario.insists else { return }
    let address = Self.address(of: hasSourceDisk ? "source" : "target")
    _ = try? await hypervisor.change("target") { machine in
      machine.guestInterfaces = machine.guestInterfaces.map {
        GuestInterface(name: $0.name, mac: $0.mac, addresses: [address])
      }
    }
  }

  /// Whether the target's first disk came from the source: it is more like the one than like the other,
  /// whatever guests have written to it since.
  var hasSourceDisk: Bool {
    let bytes = Guest.bytes(of: paths[0])
    func likeness(_ other: [UInt8]) -> Int {
      stride(from: 0, to: min(bytes.count, other.count), by: 64)
        .count { bytes[$0] == other[$0] }
    }
    let disk = scenario.disks[0]
    return likeness(disk.backup) > likeness(disk.old)
  }
}
