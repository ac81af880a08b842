import Foundation
import Libvirt
import Synchronization

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

  package func fileUsers() async throws(HypervisorError) -> FileUsers {
    let definitions = try await call("definitions") { connection throws(LibvirtError) in
      try connection.domainTexts()
    }
    let uses = try definitionFiles.uses(in: definitions)
    return try await call("files of domains") { connection throws(LibvirtError) in
      var users = FileUsers()
      for (name, use) in uses {
        let path =
          switch use {
          case .path(let path): path
          case .volume(let pool, let volume): try connection.volumePath(pool: pool, volume: volume)
          }
        if let path { users.add(name, path: path) }
      }
      return users
    }
  }
}

/// The files in the definitions of domains, each text read once for as long as it stays as it is.
final class DefinitionFiles: Sendable {
  private let known = Mutex<[String: [DomainXML.FileUse]]>([:])

  fileprivate func uses(
    in definitions: [DefinitionTexts]
  ) throws(HypervisorError) -> [(name: String, use: DomainXML.FileUse)] {
    let before = known.withLock { $0 }
    var now: [String: [DomainXML.FileUse]] = [:]
    var uses: [(name: String, use: DomainXML.FileUse)] = []
    for definition in definitions {
      for text in [definition.defined, definition.live].compactMap({ $0 }) {
        let files = if let files = before[text] { files } else { try DomainXML.filesUsed(in: text) }
        now[text] = files
        uses += files.map { (definition.name, $0) }
      }
    }
    let read = now
    known.withLock { $0 = read }
    return uses
  }
}

private struct DefinitionTexts: Sendable {
  let name: String
  let defined: String
  let live: String?
}

extension Connection {
  /// What runs and what is defined of every domain; one that goes meanwhile is left out.
  fileprivate func domainTexts() throws(LibvirtError) -> [DefinitionTexts] {
    var texts: [DefinitionTexts] = []
    for domain in try domains() {
      do throws(LibvirtError) {
        let live = try domain.isActive() ? try domain.xml([]) : nil
        let defined = try domain.xml(.inactive)
        texts.append(DefinitionTexts(name: domain.name, defined: defined, live: live))
      } catch {
        guard error.code == .noDomain else { throw error }
      }
    }
    return texts
  }
}
