import Foundation
package import Hypervisor

// MARK: - Looking

extension SimulatedHypervisor {
  package func domain(
    _ reference: DomainReference
  ) async throws(HypervisorError) -> DomainDescription {
    try await perform(.domain, reference) { machine in machine.description }
  }

  package func domainNames() async throws(HypervisorError) -> [String] {
    try await perform(Call(.domainNames)) { self.names { _ in true } }
  }

  package func state(of reference: DomainReference) async throws(HypervisorError) -> DomainState {
    try await perform(.state, reference) { machine in machine.description.state }
  }

  package func usage(
    of reference: DomainReference,
    within limit: Duration
  ) async throws(HypervisorError) -> DomainUsage {
    try await perform(.usage, reference) { machine in
      machine.usage
        ?? DomainUsage(
          state: machine.description.state,
          memoryTotalBytes: machine.description.memoryBytes,
          storageTotalBytes: 0
        )
    }
  }

  package func fileUsers() async throws(HypervisorError) -> FileUsers {
    try await perform(Call(.fileUsers)) {
      var users = FileUsers()
      for machine in self.machines {
        let description = machine.description
        let disks = description.disks + description.inactiveDisks
        for path in disks.flatMap({ [$0.sourcePath, $0.backingPath] }) {
          if let path { users.add(description.name, path: path) }
        }
      }
      return users
    }
  }

  package func hostInformation() async throws(HypervisorError) -> HostInformation {
    try await perform(Call(.hostInformation)) {
      HostInformation(hostname: "simulated", libvirtVersion: "9.0.0", qemuVersion: "7.2.0")
    }
  }

  @discardableResult
  package func waitUntil(
    _ reference: DomainReference,
    is states: Set<DomainState>,
    within limit: Duration
  ) async throws(HypervisorError) -> DomainState {
    let detail = states.map(\.rawValue).sorted().joined(separator: ",")
    return try await perform(.waitUntil, reference, detail) {
      machine throws(HypervisorError) in
      guard states.contains(machine.description.state) else { throw .timedOut(operation: "wait") }
      return machine.description.state
    }
  }

  package func refreshPool(containing path: String) async throws(HypervisorError) {
    try await perform(Call(.refreshPool, detail: path)) {}
  }
}

// MARK: - Life

extension SimulatedHypervisor {
  package func requestShutdown(
    of reference: DomainReference,
    by way: ShutdownWay
  ) async throws(HypervisorError) {
    try await perform(.requestShutdown, reference, way.rawValue) {
      machine throws(HypervisorError) in
      guard machine.description.state.isActive else {
        throw .refused(operation: "shutdown", message: "domain is not running")
      }
      switch way {
      case .agent:
        guard machine.hasAgent, !machine.isFrozen else { throw .agentUnavailable }
        self.stop(&machine)
      case .acpi:
        if !machine.ignoresACPI, machine.description.state == .running { self.stop(&machine) }
      }
    }
  }

  package func destroy(_ reference: DomainReference, graceful: Bool) async throws(HypervisorError) {
    try await perform(.destroy, reference, graceful ? "graceful" : "hard") { machine in
      if machine.description.state.isActive { self.stop(&machine) }
    }
  }

  package func start(_ reference: DomainReference) async throws(HypervisorError) {
    try await perform(.start, reference) { machine throws(HypervisorError) in
      try self.start(&machine)
    }
  }

  package func startPaused(_ reference: DomainReference) async throws(HypervisorError) {
    try await perform(.startPaused, reference) { machine throws(HypervisorError) in
      try self.start(&machine)
      machine.description.state = .paused
      self.power?.didStartPaused(machine.description)
    }
  }

  private func start(_ machine: inout Machine) throws(HypervisorError) {
    guard !machine.description.state.isActive else {
      throw .refused(operation: "start", message: "domain is already running")
    }
    let missing = machine.description.inactiveInterfaces.compactMap(\.filter)
      .first { $0.hasPrefix("rehome-") && filters[$0] == nil }
    if let missing {
      throw .refused(operation: "start", message: "referenced filter '\(missing)' is missing")
    }
    try power?.willStart(machine.description)
    machine.description.state = .running
    machine.description.hasManagedSave = false
    machine.description.definition.disks = machine.description.inactiveDisks
    machine.description.definition.interfaces = machine.description.inactiveInterfaces
    machine.description.definition.isAgentConnected = machine.hasAgent
    publish(.started, of: machine)
  }

  package func reset(_ reference: DomainReference) async throws(HypervisorError) {
    try await perform(.reset, reference) { machine throws(HypervisorError) in
      guard machine.description.state.isActive else {
        throw .refused(operation: "reset", message: "domain is not running")
      }
    }
  }

  package func resume(_ reference: DomainReference) async throws(HypervisorError) {
    try await perform(.resume, reference) { machine throws(HypervisorError) in
      switch machine.description.state {
      case .paused, .pausedOnError: break
      default: throw .refused(operation: "resume", message: "domain is not paused")
      }
      machine.description.state = .running
      self.power?.didResume(machine.description)
      self.publish(.resumed, of: machine)
    }
  }

  package func setAutostart(
    _ reference: DomainReference,
    _ value: Bool
  ) async throws(HypervisorError) {
    try await perform(.setAutostart, reference, "\(value)") { machine in
      machine.description.hasAutostart = value
    }
  }

  package func settle(_ reference: DomainReference) async throws(HypervisorError) {
    try await perform(.settle, reference) { _ in }
  }

  package func removeManagedSave(_ reference: DomainReference) async throws(HypervisorError) {
    try await perform(.removeManagedSave, reference) { machine in
      machine.description.hasManagedSave = false
    }
  }

  func stop(_ machine: inout Machine, isSudden: Bool = false) {
    power?.didStop(machine.description, isSudden: isSudden)
    // What an image records of changes is whole only if QEMU has closed it.
    if isSudden { machine.lostBitmaps.formUnion(machine.description.checkpointNames) }
    machine.description.state = .stopped
    machine.description.activeJob = nil
    machine.description.definition.isAgentConnected = false
    machine.description.definition.disks = machine.description.inactiveDisks
    machine.description.definition.interfaces = machine.description.inactiveInterfaces
    machine.backup = nil
    machine.isFrozen = false
    publish(.stopped, of: machine)
  }
}

// MARK: - Definition

extension SimulatedHypervisor {
  package func attachDevice(
    _ reference: DomainReference,
    xml: String
  ) async throws(HypervisorError) {
    try await changeDisks(.attachDevice, reference, xml) { disks, disk throws(HypervisorError) in
      guard !disks.contains(where: { $0.targetDevice == disk.targetDevice }) else {
        throw .refused(operation: "attach device", message: "the target exists already")
      }
      disks.append(disk)
    }
  }

  package func updateDevice(
    _ reference: DomainReference,
    xml: String
  ) async throws(HypervisorError) {
    try await changeDisks(.updateDevice, reference, xml) { disks, disk throws(HypervisorError) in
      disks[try self.index(of: disk, in: disks)] = disk
    }
  }

  package func detachDevice(
    _ reference: DomainReference,
    xml: String
  ) async throws(HypervisorError) {
    try await changeDisks(.detachDevice, reference, xml) { disks, disk throws(HypervisorError) in
      disks.remove(at: try self.index(of: disk, in: disks))
    }
  }

  package func setLink(
    of reference: DomainReference,
    mac: String,
    up: Bool,
    persistently: Bool
  ) async throws(HypervisorError) {
    let detail = "\(mac) \(up ? "up" : "down")\(persistently ? " persistently" : "")"
    try await perform(.setLink, reference, detail) { machine throws(HypervisorError) in
      var cards = machine.description.interfaces
      if persistently { cards += machine.description.inactiveInterfaces }
      guard cards.contains(where: { $0.mac == mac.lowercased() }) else {
        throw .refused(operation: "set link", message: "no network card has the address \(mac)")
      }
      let forms: [DomainForm] = persistently ? [.live, .definition] : [.live]
      for form in forms {
        machine.changeCards(of: form) { $0.mac == mac.lowercased() ? $0.linked(up) : $0 }
      }
    }
  }

  @discardableResult
  package func renewGenerationID(
    of reference: DomainReference
  ) async throws(HypervisorError) -> String? {
    try await perform(.renewGenerationID, reference) { machine in
      guard machine.description.generationID != nil else { return nil }
      let identifier = UUID().uuidString.lowercased()
      machine.description.definition.generationID = identifier
      return identifier
    }
  }

  package func deleteCheckpoints(
    of reference: DomainReference,
    named names: [String]
  ) async throws(HypervisorError) -> CheckpointRemoval {
    try await perform(.deleteCheckpoints, reference, names.joined(separator: ",")) { machine in
      let known = names.filter(machine.description.checkpointNames.contains)
      guard machine.description.state.isActive, machine.description.activeJob == nil else {
        return CheckpointRemoval(refused: known)
      }
      let broken = known.filter(machine.lostBitmaps.contains)
      machine.description.checkpointNames.removeAll {
        known.contains($0) && !broken.contains($0)
      }
      return CheckpointRemoval(broken: broken)
    }
  }

  package func forgetCheckpoints(
    of reference: DomainReference,
    named names: [String]
  ) async throws(HypervisorError) {
    try await perform(.forgetCheckpoints, reference, names.joined(separator: ",")) { machine in
      machine.description.checkpointNames.removeAll { names.contains($0) }
    }
  }

  private func changeDisks(
    _ operation: Operation,
    _ reference: DomainReference,
    _ xml: String,
    _ change: @escaping (inout [DomainDisk], DomainDisk) throws(HypervisorError) -> Void
  ) async throws(HypervisorError) {
    let disk = try DomainDisk(xml: xml)
    try await perform(operation, reference, disk.targetDevice) {
      machine throws(HypervisorError) in
      try change(&machine.description.definition.inactiveDisks, disk)
      if !machine.description.state.isActive {
        machine.description.definition.disks = machine.description.inactiveDisks
      }
    }
  }

  private func index(
    of disk: DomainDisk,
    in disks: [DomainDisk]
  ) throws(HypervisorError) -> Int {
    guard let index = disks.firstIndex(where: { $0.targetDevice == disk.targetDevice }) else {
      throw .refused(operation: "device", message: "there is no \(disk.targetDevice)")
    }
    return index
  }
}

// MARK: - Guest agent and backup

extension SimulatedHypervisor {
  package func agentPing(
    _ reference: DomainReference,
    timeout: Duration
  ) async throws(HypervisorError) {
    try await agent(.agentPing, reference) { _ in }
  }

  package func addresses(
    of reference: DomainReference
  ) async throws(HypervisorError) -> [GuestInterface] {
    try await agent(.addresses, reference) { machine in machine.guestInterfaces }
  }

  package func operatingSystem(
    of reference: DomainReference
  ) async throws(HypervisorError) -> GuestSystem? {
    try await agent(.operatingSystem, reference) { machine in machine.system }
  }

  package func freeze(
    _ reference: DomainReference,
    timeout: Duration
  ) async throws(HypervisorError) -> Int {
    try await agent(.freeze, reference) { machine throws(HypervisorError) in
      guard !machine.isFrozen else {
        throw .refused(operation: "freeze", message: "frozen already")
      }
      machine.isFrozen = true
      self.power?.didFreeze(machine.description, true)
      return 1
    }
  }

  @discardableResult
  package func thaw(
    _ reference: DomainReference,
    timeout: Duration
  ) async throws(HypervisorError) -> Int {
    try await agent(.thaw, reference) { machine in
      defer { machine.isFrozen = false }
      self.power?.didFreeze(machine.description, false)
      return machine.isFrozen ? 1 : 0
    }
  }

  package func freezeStatus(
    of reference: DomainReference
  ) async throws(HypervisorError) -> FreezeStatus {
    try await agent(.freezeStatus, reference) { machine in machine.isFrozen ? .frozen : .thawed }
  }

  @discardableResult
  package func beginBackup(
    of reference: DomainReference,
    _ request: BackupRequest
  ) async throws(HypervisorError) -> SessionStart {
    try await perform(.beginBackup, reference, request.socketPath) {
      machine throws(HypervisorError) in
      guard machine.description.state.isActive, machine.description.activeJob == nil else {
        throw .refused(operation: "begin backup", message: "not now")
      }
      let known = machine.description.checkpointNames
      let asked = request.disks.compactMap(\.changesSince)
      guard asked.allSatisfy(known.contains), machine.lostBitmaps.isDisjoint(with: asked) else {
        return .changesUnknown
      }
      try self.power?.willBackUp(machine.description, request)
      machine.backup = request
      machine.description.activeJob = .backup
      if let checkpoint = request.checkpoint {
        machine.description.checkpointNames.append(checkpoint.name)
      }
      return .begun
    }
  }

  package func abortBackup(of reference: DomainReference) async throws(HypervisorError) {
    try await perform(.abortBackup, reference) { machine in
      guard machine.description.activeJob == .backup else { return }
      self.power?.didBackUp(machine.description)
      machine.backup = nil
      machine.description.activeJob = nil
    }
  }

  package func backupScratchPaths(
    of reference: DomainReference
  ) async throws(HypervisorError) -> [String]? {
    try await perform(.backupScratchPaths, reference) { machine in
      machine.backup?.disks.map(\.scratchPath)
    }
  }

  package func flushCount(
    of reference: DomainReference,
    device: String
  ) async throws(HypervisorError) -> Int64? {
    try await perform(.flushCount, reference, device) { machine throws(HypervisorError) in
      guard machine.description.state.isActive else {
        throw .refused(operation: "count flushes", message: "it doesn't run")
      }
      return machine.flushCount
    }
  }

  private func agent<Value: Sendable>(
    _ operation: Operation,
    _ reference: DomainReference,
    _ effect: @escaping (inout Machine) throws(HypervisorError) -> Value
  ) async throws(HypervisorError) -> Value {
    try await perform(operation, reference) { machine throws(HypervisorError) in
      guard machine.hasAgent, machine.description.state == .running else {
        throw .agentUnavailable
      }
      return try effect(&machine)
    }
  }
}
