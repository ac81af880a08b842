/// What a hypervisor host says about itself.
package struct HostInformation: Sendable, Equatable {
  /// The host's name.
  package let hostname: String
  /// libvirt's version, such as `9.0.0`.
  package let libvirtVersion: String
  /// QEMU's version; nil if libvirt found none.
  package let qemuVersion: String?

  /// Makes the information from its parts.
  package init(hostname: String, libvirtVersion: String, qemuVersion: String?) {
    self.hostname = hostname
    self.libvirtVersion = libvirtVersion
    self.qemuVersion = qemuVersion
  }

  /// The text form of a version as libvirt counts them: 1 000 000 × major + 1 000 × minor + release.
  static func text(ofVersion number: UInt) -> String {
    "\(number / 1_000_000).\(number / 1_000 % 1_000).\(number % 1_000)"
  }
}
