import Foundation
import Libvirt

extension LibvirtHypervisor {
  package func attachDevice(
    _ reference: DomainReference,
    xml: String
  ) async throws(HypervisorError) {
    try await call("attach device", domain: reference) { domain throws(LibvirtError) in
      try domain.attachDevice(xml: xml, affecting: .config)
    }
  }

  package func updateDevice(
    _ reference: DomainReference,
    xml: String
  ) async throws(HypervisorError) {
    try await call("update device", domain: reference) { domain throws(LibvirtError) in
      try domain.updateDevice(xml: xml, affecting: .config)
    }
  }

  package func settle(_ reference: DomainReference) async throws(HypervisorError) {
    // Whoever changes a device waits for the domain's job, and one who changes nothing by it as well. Calls
    // that look first whether there is anything to do, such as that for autostart, don't.
    guard let disk = try await domain(reference).inactiveDisks.first(where: \.isDataDisk) else {
      return
    }
    do throws(HypervisorError) {
      try await call("settle", domain: reference) { domain throws(LibvirtError) in
        try domain.updateDevice(xml: disk.xml, affecting: .config)
      }
    } catch .refused {
      // An answer is all that is wanted.
    }
  }

  package func detachDevice(
    _ reference: DomainReference,
    xml: String
  ) async throws(HypervisorError) {
    try await call("detach device", domain: reference) { domain throws(LibvirtError) in
      try domain.detachDevice(xml: xml, affecting: .config)
    }
  }

  package func setLink(
    of reference: DomainReference,
    mac: String,
    up: Bool,
    persistently: Bool
  ) async throws(HypervisorError) {
    let (live, defined) = try await call("read", domain: reference) {
      domain throws(LibvirtError) in
      let isActive = try domain.isActive()
      return (isActive ? try domain.xml(.secure) : nil, try domain.xml([.inactive, .secure]))
    }
    var isThere = false
    if let live {
      isThere = try await setLink(reference, mac: mac, up: up, in: live, affecting: .live)
    }
    if persistently {
      let isSet = try await setLink(reference, mac: mac, up: up, in: defined, affecting: .config)
      isThere = isThere || isSet
    }
    guard isThere else {
      throw .refused(operation: "set link", message: "no network card has the address \(mac)")
    }
  }

  @discardableResult
  package func renewGenerationID(
    of reference: DomainReference
  ) async throws(HypervisorError) -> String? {
    let operation = "renew generation id"
    let before = try await definition(of: reference)
    let identifier = UUID().uuidString.lowercased()
    guard let edited = try DomainXML.withGenerationID(identifier, in: before) else { return nil }
    let isDefined = try await call(operation, on: reference) { connection throws(LibvirtError) in
      // Somebody else's change since we read would be undone by ours.
      guard try connection.domain(reference).xml([.inactive, .secure]) == before else {
        return false
      }
      try connection.define(xml: edited)
      return true
    }
    guard isDefined else {
      throw .refused(operation: operation, message: "the definition was changed meanwhile")
    }
    // Nothing else may have changed: with the old id put back it must be what it was.
    let after = try await definition(of: reference)
    let old = try DomainXML.parse(live: nil, inactive: before).generationID ?? ""
    guard try DomainXML.withGenerationID(old, in: after) == before else {
      throw .refused(operation: operation, message: "libvirt changed more than the generation id")
    }
    return identifier
  }

  package func deleteCheckpoints(
    of reference: DomainReference,
    named names: [String]
  ) async throws(HypervisorError) -> CheckpointRemoval {
    try await call("delete checkpoints", domain: reference) { domain throws(LibvirtError) in
      let known = Set(try domain.checkpointNames())
      var left = CheckpointRemoval()
      for name in names where known.contains(name) {
        do throws(LibvirtError) {
          try domain.deleteCheckpoint(named: name)
        } catch {
          // Gone meanwhile is what was wanted. Whatever else libvirt says, it has said no.
          switch error.code {
          case .noDomainCheckpoint: continue
          case _ where error.isOfTransport: throw error
          // libvirt 9 calls a bitmap that isn't there an internal error.
          case .checkpointInconsistent, .internalError: left.broken.append(name)
          default: left.refused.append(name)
          }
        }
      }
      return left
    }
  }

  package func forgetCheckpoints(
    of reference: DomainReference,
    named names: [String]
  ) async throws(HypervisorError) {
    try await call("forget checkpoints", domain: reference) { domain throws(LibvirtError) in
      let known = Set(try domain.checkpointNames())
      for name in names where known.contains(name) { try domain.forgetCheckpoint(named: name) }
    }
  }

  private func definition(of reference: DomainReference) async throws(HypervisorError) -> String {
    try await call("read", domain: reference) { domain throws(LibvirtError) in
      try domain.xml([.inactive, .secure])
    }
  }

  /// False if the form has no such card.
  private func setLink(
    _ reference: DomainReference,
    mac: String,
    up: Bool,
    in xml: String,
    affecting: Domain.Affects
  ) async throws(HypervisorError) -> Bool {
    guard let device = try DomainXML.interfaceXML(in: xml, mac: mac, linkUp: up)
    else { return false }
    try await call("set link", domain: reference) { domain throws(LibvirtError) in
      try domain.updateDevice(xml: device, affecting: affecting)
    }
    return true
  }
}
