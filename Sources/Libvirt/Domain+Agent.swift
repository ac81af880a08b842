import CLibvirt
import Glibc

/// One of a guest's network cards, as its agent tells it.
package struct AgentInterface: Sendable {
  /// The card's name inside the guest.
  package let name: String
  /// The card's hardware address; nil for those without, as the loopback.
  package let mac: String?
  /// Addresses with their prefix length.
  package let addresses: [(address: String, prefix: UInt32)]
}

extension Domain {
  /// Sends a command to the guest agent and waits at most `timeoutSeconds` for its answer.
  ///
  /// - Returns: JSON of the guest's making.
  package func agentCommand(_ json: String, timeoutSeconds: Int32) throws(LibvirtError) -> String {
    try unsafe LibvirtError.check(
      virDomainQemuAgentCommand(pointer, json, timeoutSeconds, 0),
      "virDomainQemuAgentCommand"
    )
  }

  /// Bounds the calls below; without it a mute agent holds them for ever.
  package func setAgentTimeout(seconds: Int32) throws(LibvirtError) {
    try unsafe LibvirtError.check(
      virDomainAgentSetResponseTimeout(pointer, seconds, 0),
      "virDomainAgentSetResponseTimeout"
    )
  }

  /// Freezes the guest's file systems.
  ///
  /// - Returns: How many were frozen.
  package func freezeFileSystems() throws(LibvirtError) -> Int {
    Int(try unsafe LibvirtError.check(virDomainFSFreeze(pointer, nil, 0, 0), "virDomainFSFreeze"))
  }

  /// Thaws the guest's file systems.
  ///
  /// - Returns: How many were thawed.
  package func thawFileSystems() throws(LibvirtError) -> Int {
    Int(try unsafe LibvirtError.check(virDomainFSThaw(pointer, nil, 0, 0), "virDomainFSThaw"))
  }

  /// The guest's network cards and their addresses, at most `limit` of each.
  package func agentInterfaces(limit: Int) throws(LibvirtError) -> [AgentInterface] {
    var list: UnsafeMutablePointer<virDomainInterfacePtr?>?
    let source = UInt32(VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT.rawValue)
    let count = try unsafe LibvirtError.check(
      virDomainInterfaceAddresses(pointer, &list, source, 0),
      "virDomainInterfaceAddresses"
    )
    guard let list = unsafe list else { return [] }
    defer { unsafe free(list) }
    var interfaces: [AgentInterface] = []
    for index in 0..<Int(count) {
      guard let interface = unsafe list[index] else { continue }
      if index < limit { unsafe interfaces.append(AgentInterface(interface, limit: limit)) }
      unsafe virDomainInterfaceFree(interface)
    }
    return interfaces
  }
}

extension AgentInterface {
  fileprivate init(_ pointer: virDomainInterfacePtr, limit: Int) {
    let interface = unsafe pointer.pointee
    name = unsafe interface.name.map { unsafe String(cString: $0) } ?? ""
    mac = unsafe interface.hwaddr.map { unsafe String(cString: $0) }
    var addresses: [(address: String, prefix: UInt32)] = []
    for index in 0..<min(limit, unsafe Int(interface.naddrs)) {
      let entry = unsafe interface.addrs[index]
      guard let text = unsafe entry.addr else { continue }
      unsafe addresses.append((String(cString: text), entry.prefix))
    }
    self.addresses = addresses
  }
}
