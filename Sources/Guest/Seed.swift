package import Model

/// What a guest's cloud-init is told about who the guest is: the four files of a NoCloud seed.
///
/// A pure value: the same VPS and the same instance id always give the same texts.
package struct Seed: Sendable, Equatable {
  /// What cloud-init tells a new instance from a known one by.
  package let instanceID: String
  /// Instance id and host name.
  package let metaData: String
  /// The VPS's network in version 2, each interface matched by its MAC address.
  package let networkConfig: String
  /// The VPS's own user-data, or an empty configuration.
  package let userData: String
  /// What Rehome itself wants of the guest; see <doc:Guest>.
  package let vendorData: String

  /// The seed's files by name, in the order in which they are written.
  package var files: [(name: String, text: String)] {
    [
      (SeedFile.metaData.rawValue, metaData), (SeedFile.networkConfig.rawValue, networkConfig),
      (SeedFile.userData.rawValue, userData), (SeedFile.vendorData.rawValue, vendorData),
    ]
  }

  /// Makes the seed of a VPS.
  ///
  /// - Parameters:
  ///   - instanceID: New for each restore: a known one changes nothing in the guest.
  ///   - hostname: The VPS's host name.
  ///   - network: The VPS's network; nil: DHCP on every interface.
  ///   - macAddresses: The MAC addresses of the VPS's interfaces in the order of its definition.
  ///   - userData: The VPS's own user-data, never that of a backup's source.
  /// - Throws: ``SeedFault`` if the facts don't fit together or can't stand in a seed.
  package init(
    instanceID: String,
    hostname: String,
    network: NetworkConfiguration?,
    macAddresses: [String],
    userData: String?
  ) throws(SeedFault) {
    guard Self.isInstanceID(instanceID) else { throw .badInstanceID(instanceID) }
    guard Self.isHostname(hostname) else { throw .badHostname(hostname) }
    self.instanceID = instanceID
    metaData = "instance-id: \"\(instanceID)\"\nlocal-hostname: \"\(hostname)\"\n"
    networkConfig = try NetworkRendering(network, macAddresses: macAddresses).text
    let ownText = userData.flatMap { $0.isEmpty ? nil : $0 }
    guard (ownText?.utf8.count ?? 0) <= Limits.userDataBytes else { throw .userDataTooLong }
    self.userData = ownText ?? "#cloud-config\n{}\n"
    vendorData = VendorData.text(instanceID: instanceID)
  }

  /// Stands in a shell script and in paths inside the guest, so it has nothing but the plainest.
  private static func isInstanceID(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.utf8.allSatisfy {
        $0.isLetterOrDigit || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
      }
  }

  /// The rules of RFC 1123, as every tool in a guest understands them.
  private static func isHostname(_ text: String) -> Bool {
    guard (1...253).contains(text.utf8.count) else { return false }
    return text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
      .allSatisfy { label in
        (1...63).contains(label.count)
          && label.allSatisfy { $0.isLetterOrDigit || $0 == UInt8(ascii: "-") }
          && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
      }
  }
}

/// The names of the files in a seed; they are cloud-init's.
package enum SeedFile: String, Sendable, CaseIterable {
  case metaData = "meta-data"
  case networkConfig = "network-config"
  case userData = "user-data"
  case vendorData = "vendor-data"
}

extension UInt8 {
  /// Whether it is an ASCII letter or digit.
  var isLetterOrDigit: Bool {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "a")...UInt8(ascii: "z"):
      true
    default: false
    }
  }
}
