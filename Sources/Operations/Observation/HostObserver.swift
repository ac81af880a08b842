import Disks
package import Hypervisor
package import Model

/// Looks at a domain and its disks the way gates and acceptance need it.
///
/// Only a worker, and the commands on its host, have one: the API leans on what was stored.
package struct HostObserver: Sendable {
  private let hypervisor: any Hypervisor
  private let clock: any WallClock
  private let freeReserve: FreeReserve

  /// Makes an observer of one host.
  package init(
    hypervisor: any Hypervisor,
    clock: any WallClock,
    freeReserve: FreeReserve = .standard
  ) {
    self.hypervisor = hypervisor
    self.clock = clock
    self.freeReserve = freeReserve
  }

  /// Which domains use which files, for a look at many of them.
  package func fileUsers() async throws(HypervisorError) -> FileUsers {
    try await hypervisor.fileUsers()
  }

  /// Everything that is known of a domain now; a missing one is an observation, not an error.
  ///
  /// Who uses which files is asked for when it isn't given as it was a moment ago.
  package func observe(
    _ reference: DomainReference,
    beside users: FileUsers? = nil
  ) async throws(HypervisorError) -> Observation {
    do throws(HypervisorError) {
      return try await observation(of: hypervisor.domain(reference), beside: users)
    } catch .domainMissing {
      return Observation(observedAt: clock.now(), isMissing: true, powerState: .unknown)
    }
  }

  /// An observation from a description that was just made.
  package func observation(
    of domain: DomainDescription,
    beside users: FileUsers? = nil
  ) async throws(HypervisorError) -> Observation {
    var disks: [ObservedDisk] = []
    for disk in domain.inactiveDisks where disk.isDataDisk {
      disks.append(await observe(disk, of: domain))
    }
    try await markShared(&disks, of: domain, beside: users)
    return Observation(
      observedAt: clock.now(),
      powerState: PowerState(domain.state),
      isPersistent: domain.isPersistent,
      hasSavedState: domain.hasManagedSave,
      snapshotCount: domain.snapshotCount,
      foreignCheckpoints: domain.checkpointNames.filter { !CheckpointName.isOurs($0) },
      ownCheckpoints: domain.checkpointNames.filter(CheckpointName.isOurs),
      activity: domain.activity,
      definitionsAgree: domain.definitionsAgree,
      firmware: domain.modelFirmware,
      hasTPM: domain.hasPersistentTPM,
      disks: disks,
      macAddresses: domain.inactiveInterfaces.map(\.mac),
      cpuCores: domain.processorCount,
      memoryBytes: domain.memoryBytes
    )
  }

  /// What a running domain's agent tells of its system; nil when none answers.
  package func operatingSystem(of reference: DomainReference) async -> OperatingSystem? {
    do throws(HypervisorError) {
      return try await hypervisor.operatingSystem(of: reference).map(OperatingSystem.init)
    } catch {
      return nil
    }
  }

  private func observe(
    _ disk: DomainDisk,
    of domain: DomainDescription
  ) async -> ObservedDisk {
    let path = disk.sourcePath ?? ""
    var observed = ObservedDisk(
      device: disk.targetDevice,
      bus: disk.bus,
      storage: StorageKind(disk.sourceType),
      format: disk.format,
      path: path,
      sizeBytes: nil,
      logicalBlockSize: disk.logicalBlockSize ?? 512,
      bootOrder: disk.bootOrder
    )
    guard let format = DiskFormat(rawValue: disk.format) else {
      observed.obstacle = .unsupportedStorage
      return observed
    }
    let live = domain.disks.first { $0.targetDevice == disk.targetDevice }
    if disk.backingPath != nil || live?.backingPath != nil || disk.hasDataStore {
      observed.obstacle = .backingChain
    }
    guard disk.sourceType == .file || disk.sourceType == .block else {
      observed.obstacle = .unsupportedStorage
      return observed
    }
    do throws(DiskError) {
      observed.sizeBytes = try await DiskImage.virtualSize(path, format: format)
      if format == .qcow2, try await Qcow2Header.read(path).snapshotCount > 0 {
        observed.obstacle = .backingChain
      }
    } catch {
      observed.obstacle = DiskObstacle(error)
    }
    if disk.sourceType == .file { await qualify(&observed) }
    return observed
  }

  private func markShared(
    _ disks: inout [ObservedDisk],
    of domain: DomainDescription,
    beside users: FileUsers?
  ) async throws(HypervisorError) {
    guard disks.contains(where: { $0.obstacle == nil }) else { return }
    let users = if let users { users } else { try await hypervisor.fileUsers() }
    for index in disks.indices where disks[index].obstacle == nil {
      let domains = await users.domains(using: disks[index].path)
      if domains.contains(where: { $0 != domain.name }) { disks[index].obstacle = .shared }
    }
  }

  private func qualify(_ disk: inout ObservedDisk) async {
    do throws(DiskError) {
      let space = try await FreeSpace.at(disk.path)
      disk.freeBytes = space.stageBytes(beside: freeReserve)
      disk.fileSystem = space.fileSystem
      guard disk.obstacle == nil else { return }
      switch try await DiskQualification.check(disk.path) {
      case .qualified: break
      case .unqualified: disk.obstacle = .unsupportedStorage
      }
    } catch {
      disk.obstacle = disk.obstacle ?? .unsupportedStorage
    }
  }
}

extension PowerState {
  /// What clients see of a domain's state.
  package init(_ state: DomainState) {
    self =
      switch state {
      case .running: .running
      case .stopped: .stopped
      case .starting: .starting
      case .stopping: .stopping
      case .paused, .suspended: .paused
      case .pausedOnError, .crashed: .error
      case .unknown: .unknown
      }
  }
}

extension OperatingSystem {
  /// What clients see of a guest's own words.
  init(_ system: GuestSystem) {
    self.init(
      displayName: system.prettyName,
      family: system.identifier == "mswindows" ? "windows" : system.identifier.lowercased(),
      version: system.version.isEmpty ? nil : system.version,
      variant: system.variant.isEmpty ? nil : system.variant
    )
  }
}

extension StorageKind {
  init(_ type: DomainDisk.SourceType) {
    self =
      switch type {
      case .file: .file
      case .block: .block
      case .network: .network
      case .volume, .other: .other
      }
  }
}

extension DiskObstacle {
  init(_ error: DiskError) {
    self =
      switch error {
      case .hostile(.backingFile), .hostile(.dataFile): .backingChain
      case .hostile: .hostile
      case .io, .outOfSpace, .locked, .unsupported, .tool, .serverEnded, .stampMismatch, .notFound,
        .closed:
        .unsupportedStorage
      }
  }
}

extension DomainDescription {
  /// What the domain boots with, in the model's words.
  package var modelFirmware: Model.Firmware {
    switch firmware {
    case .bios: .bios
    case .uefi(_, let secureBoot): secureBoot ? .uefiSecureBoot : .uefi
    }
  }

  /// What works on it, in the model's words.
  package var activity: DomainActivity {
    switch activeJob {
    case nil: .none
    case .backup: .backup
    case .migration: .migration
    case .blockJob: .blockJob
    case .other: .other
    }
  }
}
