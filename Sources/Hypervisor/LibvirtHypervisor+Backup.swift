import Libvirt

extension LibvirtHypervisor {
  @discardableResult
  package func beginBackup(
    of reference: DomainReference,
    _ request: BackupRequest
  ) async throws(HypervisorError) -> SessionStart {
    let disks = try await domain(reference).disks
    // An empty drive has nothing to offer and libvirt doesn't want it named.
    let devices = disks.filter { $0.sourcePath != nil }.map(\.targetDevice)
    let xml = request.xml(allDevices: devices)
    let checkpoint = request.checkpoint?.xml(allDevices: devices)
    let isIncremental = request.disks.contains { $0.changesSince != nil }
    return try await call("begin backup", domain: reference) { domain throws(LibvirtError) in
      do throws(LibvirtError) {
        try domain.beginBackup(xml: xml, checkpointXML: checkpoint)
        return .begun
      } catch {
        let isChainLost = error.code == .checkpointInconsistent || error.code == .noDomainCheckpoint
        guard isIncremental, isChainLost else { throw error }
        return .changesUnknown
      }
    }
  }

  package func abortBackup(of reference: DomainReference) async throws(HypervisorError) {
    let operation = "abort backup"
    let isAborted = try await call(operation, domain: reference) { domain throws(LibvirtError) in
      // Any other job (a migration) is none of ours to abort.
      guard try domain.runningBackupXML() != nil else { return false }
      try domain.abortJob()
      return true
    }
    guard isAborted else { return }
    // libvirt only asks QEMU to end the job; socket and scratch go when QEMU has.
    let deadline = ContinuousClock.now + CallLimits.ordinary
    while try await backupScratchPaths(of: reference) != nil {
      guard ContinuousClock.now < deadline, !Task.isCancelled else {
        throw .timedOut(operation: operation)
      }
      // Cancelled, it returns at once and the condition above ends the loop.
      try? await Task.sleep(for: CallLimits.shortPoll)
    }
  }

  package func backupScratchPaths(
    of reference: DomainReference
  ) async throws(HypervisorError) -> [String]? {
    let xml = try await call("read backup", domain: reference) { domain throws(LibvirtError) in
      try domain.runningBackupXML()
    }
    guard let xml else { return nil }
    return try BackupRequest.scratchPaths(in: xml)
  }

  package func flushCount(
    of reference: DomainReference,
    device: String
  ) async throws(HypervisorError) -> Int64? {
    try await call("count flushes", domain: reference) { domain throws(LibvirtError) in
      try domain.flushCount(of: device)
    }
  }
}

extension Domain {
  fileprivate func runningBackupXML() throws(LibvirtError) -> String? {
    try isActive() ? try backupXML() : nil
  }
}
