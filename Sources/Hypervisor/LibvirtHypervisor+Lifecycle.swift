import Libvirt

extension LibvirtHypervisor {
  package func requestShutdown(
    of reference: DomainReference,
    by way: ShutdownWay
  ) async throws(HypervisorError) {
    switch way {
    case .acpi:
      try await call("shutdown", domain: reference) { domain throws(LibvirtError) in
        try domain.requestShutdown(.acpiPowerButton)
      }
    case .agent:
      try await agentCall(
        "agent shutdown",
        reference,
        timeout: CallLimits.agentAnswer,
        within: CallLimits.agentShutdown
      ) { domain throws(LibvirtError) in
        try domain.requestShutdown(.guestAgent)
      }
    }
  }

  package func destroy(
    _ reference: DomainReference,
    graceful: Bool
  ) async throws(HypervisorError) {
    try await call("destroy", domain: reference, within: CallLimits.destroy) {
      domain throws(LibvirtError) in
      do throws(LibvirtError) {
        try domain.destroy(gracefully: graceful)
      } catch {
        // QEMU can be so quick that libvirt finds it gone when it wants to tell of its end.
        guard error.code == .operationInvalid, try !domain.isActive() else { throw error }
      }
    }
  }

  package func start(_ reference: DomainReference) async throws(HypervisorError) {
    try await call("start", domain: reference, within: CallLimits.start) {
      domain throws(LibvirtError) in
      try domain.startForcingBoot()
    }
  }

  package func reset(_ reference: DomainReference) async throws(HypervisorError) {
    try await call("reset", domain: reference) { domain throws(LibvirtError) in
      try domain.reset()
    }
  }

  package func resume(_ reference: DomainReference) async throws(HypervisorError) {
    try await call("resume", domain: reference) { domain throws(LibvirtError) in
      try domain.resume()
    }
  }

  package func setAutostart(
    _ reference: DomainReference,
    _ value: Bool
  ) async throws(HypervisorError) {
    try await call("autostart", domain: reference) { domain throws(LibvirtError) in
      try domain.setAutostart(value)
    }
  }

  package func removeManagedSave(_ reference: DomainReference) async throws(HypervisorError) {
    try await call("remove managed save", domain: reference) { domain throws(LibvirtError) in
      if try domain.hasManagedSave() { try domain.removeManagedSave() }
    }
  }
}
