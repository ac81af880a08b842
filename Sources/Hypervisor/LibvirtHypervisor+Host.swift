import Foundation
import Libvirt

extension LibvirtHypervisor {
  package func hostInformation() async throws(HypervisorError) -> HostInformation {
    try await call("host information") { connection throws(LibvirtError) in
      let qemu = try connection.hypervisorVersion()
      return HostInformation(
        hostname: try connection.hostname(),
        libvirtVersion: HostInformation.text(ofVersion: try connection.libvirtVersion()),
        qemuVersion: qemu > 0 ? HostInformation.text(ofVersion: qemu) : nil
      )
    }
  }

  package func refreshPool(containing path: String) async throws(HypervisorError) {
    let folder = URL(filePath: path).deletingLastPathComponent().path
    _ = try await call("refresh pool") { connection throws(LibvirtError) in
      try connection.refreshPool(at: folder)
    }
  }

  package func domainsUsing(path: String) async throws(HypervisorError) -> [String] {
    let definitions = try await call("definitions") { connection throws(LibvirtError) in
      try connection.domainTexts()
    }
    var used: [(name: String, source: DomainXML.FileUse)] = []
    for definition in definitions {
      for xml in [definition.defined, definition.live].compactMap({ $0 }) {
        for source in try DomainXML.filesUsed(in: xml) { used.append((definition.name, source)) }
      }
    }
    let candidates = used
    let names = try await call("compare paths") { connection throws(LibvirtError) in
      let wanted = FileIdentity(path)
      var names: Set<String> = []
      for (name, source) in candidates where !names.contains(name) {
        let used =
          switch source {
          case .path(let path): path
          case .volume(let pool, let volume): try connection.volumePath(pool: pool, volume: volume)
          }
        if let used, wanted.isSame(as: FileIdentity(used)) { names.insert(name) }
      }
      return names
    }
    return names.sorted()
  }
}

extension Connection {
  /// What runs and what is defined of every domain; one that goes meanwhile is left out.
  fileprivate func domainTexts() throws(LibvirtError) -> [(
    name: String, defined: String, live: String?
  )] {
    var texts: [(name: String, defined: String, live: String?)] = []
    for domain in try domains() {
      do throws(LibvirtError) {
        let live = try domain.isActive() ? try domain.xml([]) : nil
        texts.append((domain.name, try domain.xml(.inactive), live))
      } catch {
        guard error.code == .noDomain else { throw error }
      }
    }
    return texts
  }
}

/// What makes two paths the same file: the path when links are followed, or the inode.
private struct FileIdentity {
  private let path: String
  private let device: Int?
  private let inode: Int?

  /// Looks at the disk, so it blocks.
  init(_ path: String) {
    let resolved = URL(filePath: path).resolvingSymlinksInPath().path
    let attributes = try? FileManager.default.attributesOfItem(atPath: resolved)
    self.path = resolved
    device = (attributes?[.systemNumber] as? NSNumber)?.intValue
    inode = (attributes?[.systemFileNumber] as? NSNumber)?.intValue
  }

  func isSame(as other: FileIdentity) -> Bool {
    if path == other.path { return true }
    guard let device, let inode else { return false }
    return device == other.device && inode == other.inode
  }
}
