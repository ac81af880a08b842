import Foundation
import Libvirt

extension LibvirtHypervisor {
  package func agentPing(
    _ reference: DomainReference,
    timeout: Duration
  ) async throws(HypervisorError) {
    _ = try await agentAnswer("guest-ping", reference, timeout: timeout)
  }

  package func addresses(
    of reference: DomainReference
  ) async throws(HypervisorError) -> [GuestInterface] {
    let limit = CallLimits.guestInterfaces
    let interfaces = try await agentCall("addresses", reference, timeout: CallLimits.agentAnswer) {
      domain throws(LibvirtError) in
      try domain.agentInterfaces(limit: limit)
    }
    return interfaces.map { interface in
      GuestInterface(
        name: interface.name,
        mac: interface.mac,
        addresses: interface.addresses.map { "\($0.address)/\($0.prefix)" }
      )
    }
  }

  package func operatingSystem(
    of reference: DomainReference
  ) async throws(HypervisorError) -> GuestSystem? {
    let command = "guest-get-osinfo"
    let answer = try await agentAnswer(command, reference, timeout: CallLimits.agentSystem)
    return try AgentAnswer.system(answer, operation: command)
  }

  package func freeze(
    _ reference: DomainReference,
    timeout: Duration
  ) async throws(HypervisorError) -> Int {
    try await agentCall("freeze", reference, timeout: timeout) { domain throws(LibvirtError) in
      try domain.freezeFileSystems()
    }
  }

  @discardableResult
  package func thaw(
    _ reference: DomainReference,
    timeout: Duration
  ) async throws(HypervisorError) -> Int {
    try await agentCall("thaw", reference, timeout: timeout) { domain throws(LibvirtError) in
      try domain.thawFileSystems()
    }
  }

  package func freezeStatus(
    of reference: DomainReference
  ) async throws(HypervisorError) -> FreezeStatus {
    let command = "guest-fsfreeze-status"
    let answer = try await agentAnswer(command, reference, timeout: CallLimits.agentAnswer)
    return try AgentAnswer.freezeStatus(answer, operation: command)
  }

  /// Makes a call that the agent must answer; a guest that is off or has no channel has no agent.
  func agentCall<Value: Sendable>(
    _ operation: String,
    _ reference: DomainReference,
    timeout: Duration,
    within limit: Duration? = nil,
    _ body: @escaping @Sendable (Domain) throws(LibvirtError) -> Value
  ) async throws(HypervisorError) -> Value {
    let result: Value? = try await call(
      operation,
      domain: reference,
      within: limit ?? timeout + CallLimits.agentGrace
    ) { domain throws(LibvirtError) in
      guard try domain.isActive() else { return nil }
      do throws(LibvirtError) {
        try domain.setAgentTimeout(seconds: timeout.wholeSeconds)
        return try body(domain)
      } catch {
        // No channel in the definition.
        guard error.code == .argumentUnsupported else { throw error }
        return nil
      }
    }
    guard let result else { throw .agentUnavailable }
    return result
  }

  private func agentAnswer(
    _ command: String,
    _ reference: DomainReference,
    timeout: Duration
  ) async throws(HypervisorError) -> String {
    try await agentCall(command, reference, timeout: timeout) { domain throws(LibvirtError) in
      try domain.agentCommand(
        #"{"execute":"\#(command)"}"#,
        timeoutSeconds: timeout.wholeSeconds
      )
    }
  }
}

/// Reads what an agent answered; the guest is free to send anything.
enum AgentAnswer {
  private struct Envelope<Value: Decodable>: Decodable {
    let `return`: Value
  }

  private struct SystemAnswer: Decodable {
    let id: String?
    let name: String?
    let prettyName: String?
    let version: String?
    let versionID: String?
    let variantID: String?

    enum CodingKeys: String, CodingKey {
      case id, name, version
      case prettyName = "pretty-name"
      case versionID = "version-id"
      case variantID = "variant-id"
    }
  }

  /// A guest without an os-release file tells its kernel only: that is no system to show.
  static func system(
    _ json: String,
    operation: String
  ) throws(HypervisorError) -> GuestSystem? {
    guard json.utf8.count <= CallLimits.agentAnswerBytes,
      let answer = try? JSONDecoder().decode(Envelope<SystemAnswer>.self, from: Data(json.utf8))
    else {
      throw .refused(operation: operation, message: "the agent's answer makes no sense")
    }
    let told = answer.return
    let system = GuestSystem(
      prettyName: told.prettyName ?? told.name ?? "",
      identifier: told.id ?? "",
      version: told.versionID ?? told.version ?? "",
      variant: told.variantID ?? ""
    )
    return system.prettyName.isEmpty || system.identifier.isEmpty ? nil : system
  }

  static func freezeStatus(
    _ json: String,
    operation: String
  ) throws(HypervisorError) -> FreezeStatus {
    guard json.utf8.count <= CallLimits.agentAnswerBytes,
      let answer = try? JSONDecoder().decode(Envelope<String>.self, from: Data(json.utf8)),
      let status = FreezeStatus(rawValue: answer.return)
    else {
      throw .refused(operation: operation, message: "the agent's answer makes no sense")
    }
    return status
  }
}
