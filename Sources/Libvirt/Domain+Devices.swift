import CLibvirt

extension Domain {
  /// Adds the device that the XML describes.
  package func attachDevice(xml: String, affecting: Affects) throws(LibvirtError) {
    try unsafe LibvirtError.check(
      virDomainAttachDeviceFlags(pointer, xml, affecting.rawValue),
      "virDomainAttachDeviceFlags"
    )
  }

  /// Changes the device that the XML names (a disk by its target, a card by its MAC).
  package func updateDevice(xml: String, affecting: Affects) throws(LibvirtError) {
    try unsafe LibvirtError.check(
      virDomainUpdateDeviceFlags(pointer, xml, affecting.rawValue),
      "virDomainUpdateDeviceFlags"
    )
  }

  /// Removes the device that the XML describes.
  package func detachDevice(xml: String, affecting: Affects) throws(LibvirtError) {
    try unsafe LibvirtError.check(
      virDomainDetachDeviceFlags(pointer, xml, affecting.rawValue),
      "virDomainDetachDeviceFlags"
    )
  }
}
