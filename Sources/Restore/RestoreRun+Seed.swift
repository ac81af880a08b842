import Disks
import Guest
import Hypervisor
import Logging
import Model
import Operations

extension RestoreRun {
  /// Where this restore's seed is: a name of its own, so that the former one stays as it was.
  var seedPath: String { "\(seedDirectory)/\(job.id).iso" }

  private var seedDirectory: String { "\(parts.settings.seedsDirectory)/\(job.vpsID)" }

  /// Writes the seed that makes the new disk the target's own.
  func writeSeed() async throws(StepStop) {
    let target = try requireTarget()
    guard let observation = target.observation, let disk = try pairs().first else {
      throw .because(.vpsNotReady, NotReadyReason.domainMissing.sentence)
    }
    let path = seedPath
    let owner = try await fromDisks { () async throws(DiskError) in
      _ = try await RuntimeDirectory.ensure(seedDirectory, mode: 0o711)
      return try await RuntimeDirectory.Owner.of(disk.current)
    }
    let seed: Seed
    do throws(SeedFault) {
      seed = try Seed(
        instanceID: "rehome-\(job.id)",
        hostname: target.hostname,
        network: target.network,
        macAddresses: observation.macAddresses,
        userData: target.userData
      )
    } catch {
      throw .because(.invalidRequest, "No seed can be made for the target: \(error).")
    }
    do throws(SeedError) {
      try await parts.writeSeed(seed, path, owner)
    } catch .outOfSpace {
      throw .because(.hostStorageFull, "The host's storage is full.")
    } catch {
      throw .because(.internalError, "The target's seed could not be written.")
    }
  }

  /// How the target's seed device changes in this run.
  func seedChange(of domain: DomainDescription) async throws(StepStop) -> SeedChange {
    switch kind {
    case .undo:
      return try undoDetail().seed.reversed
    case .restore:
      return SeedDevice.change(
        in: domain.inactiveDisks,
        to: seedPath,
        seedsDirectory: parts.settings.seedsDirectory,
        adopted: try requireTarget().adoptedSeedPath
      )
    }
  }

  /// Makes the domain's definition carry the seed that belongs to the disks now in place, and
  /// renews its generation id; done twice it ends as done once.
  func apply(_ change: SeedChange) async throws(StepStop) {
    let reference = try requireTarget().reference
    try await patiently { () async throws(HypervisorError) in
      // Looked at each time: what was asked for before libvirt went away may have been done.
      let domain = try await parts.hypervisor.domain(reference)
      let present = domain.inactiveDisks.first { $0.targetDevice == change.device }
      switch (present, change.after) {
      case (_?, let after?): try await parts.hypervisor.updateDevice(reference, xml: after)
      case (nil, let after?): try await parts.hypervisor.attachDevice(reference, xml: after)
      case (let present?, nil):
        try await parts.hypervisor.detachDevice(reference, xml: present.xml)
      case (nil, nil): break
      }
    }
    try await patiently { () async throws(HypervisorError) in
      _ = try await parts.hypervisor.renewGenerationID(of: reference)
    }
  }

  /// Removes a seed that no domain reads any more.
  func removeSeed(_ path: String) async throws(StepStop) {
    guard path.hasPrefix(parts.settings.seedsDirectory + "/") else { return }
    try await fromDisks { () async throws(DiskError) in try await FileRemoval.remove(path) }
    do throws(SeedError) {
      try await SeedWriter.removeLeft(of: path)
    } catch {
      throw .because(
        .internalError,
        "What was left of the target's seed could not be removed.",
        isTransient: true
      )
    }
  }
}
