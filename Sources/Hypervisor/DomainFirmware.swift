package import Model

/// What a domain boots with, as its XML says it.
package enum DomainFirmware: Sendable, Equatable {
  case bios
  /// UEFI; the loader is nil where libvirt chooses it at the start.
  case uefi(loader: String?, secureBoot: Bool)

  /// What of it matters to a disk that shall boot here.
  package var kind: Firmware {
    switch self {
    case .bios: .bios
    case .uefi(_, let secureBoot): secureBoot ? .uefiSecureBoot : .uefi
    }
  }
}
