import Foundation
import Libvirt

extension LibvirtHypervisor {
  package func domain(
    _ reference: DomainReference
  ) async throws(HypervisorError) -> DomainDescription {
    let picture = try await call("describe", domain: reference) { domain throws(LibvirtError) in
      try DomainPicture(of: domain)
    }
    let definition = try DomainXML.parse(live: picture.liveXML, inactive: picture.definitionXML)
    var description = DomainDescription(picture, definition: definition)
    if description.activeJob == nil, picture.liveXML != nil {
      description.activeJob = try await blockJob(of: reference, on: definition.disks)
    }
    return description
  }

  package func domainNames() async throws(HypervisorError) -> [String] {
    try await call("list") { connection throws(LibvirtError) in
      try connection.domains().map(\.name).sorted()
    }
  }

  package func state(of reference: DomainReference) async throws(HypervisorError) -> DomainState {
    try await state(of: reference, within: CallLimits.ordinary)
  }

  func state(
    of reference: DomainReference,
    within limit: Duration
  ) async throws(HypervisorError) -> DomainState {
    try await call("state", domain: reference, within: limit) { domain throws(LibvirtError) in
      let (state, reason) = try domain.state()
      return DomainState(state, reason: reason)
    }
  }

  private func blockJob(
    of reference: DomainReference,
    on disks: [DomainDisk]
  ) async throws(HypervisorError) -> DomainDescription.Job? {
    let devices = disks.filter { $0.sourcePath != nil }.map(\.targetDevice)
    return try await call("block jobs", domain: reference) { domain throws(LibvirtError) in
      for device in devices {
        do throws(LibvirtError) {
          if try domain.hasBlockJob(on: device) { return .blockJob(disk: device) }
        } catch {
          // It stopped, or lost the disk, since we looked, or the disk can't have one.
          let none: Set<LibvirtError.Code> = [
            .operationInvalid, .operationUnsupported, .invalidArgument,
          ]
          guard none.contains(error.code) else {
            throw error
          }
        }
      }
      return nil
    }
  }
}

/// What libvirt says of a domain, not yet understood.
private struct DomainPicture: Sendable {
  var name: String
  var uuid: String
  var state: DomainState
  var isPersistent: Bool
  var hasAutostart: Bool
  var hasManagedSave: Bool
  var snapshotCount: Int
  var checkpointNames: [String]
  var job: Domain.JobOperation?
  var definitionXML: String
  var liveXML: String?

  /// How often a domain may stop or start while we look, before we take what we got.
  private static let tries = 3

  init(of domain: Domain) throws(LibvirtError) {
    var picture = try DomainPicture(once: domain)
    for _ in 1..<Self.tries where try domain.isActive() != (picture.liveXML != nil) {
      picture = try DomainPicture(once: domain)
    }
    self = picture
  }

  private init(once domain: Domain) throws(LibvirtError) {
    name = domain.name
    uuid = domain.uuid
    let (number, reason) = try domain.state()
    state = DomainState(number, reason: reason)
    isPersistent = try domain.isPersistent()
    hasAutostart = try domain.autostart()
    hasManagedSave = try domain.hasManagedSave()
    snapshotCount = try domain.snapshotCount()
    checkpointNames = try domain.checkpointNames().sorted()
    definitionXML = try domain.xml([.inactive, .secure])
    guard try domain.isActive() else { return }
    do throws(LibvirtError) {
      job = try domain.job()
      liveXML = try domain.xml(.secure)
    } catch {
      // It stopped since; the caller compares and looks again.
      guard error.code == .operationInvalid else { throw error }
    }
  }
}

extension DomainDescription {
  fileprivate init(_ picture: DomainPicture, definition: DomainXML) {
    self.init(
      name: picture.name,
      uuid: picture.uuid,
      state: picture.state,
      isPersistent: picture.isPersistent,
      hasAutostart: picture.hasAutostart,
      hasManagedSave: picture.hasManagedSave,
      snapshotCount: picture.snapshotCount,
      checkpointNames: picture.checkpointNames,
      activeJob: picture.job.map(Job.init),
      definition: definition,
      definitionXML: picture.definitionXML,
      liveXML: picture.liveXML
    )
  }
}

extension DomainDescription.Job {
  fileprivate init(_ operation: Domain.JobOperation) {
    switch operation {
    case .backup: self = .backup
    case .migrationIn, .migrationOut: self = .migration
    default: self = .other
    }
  }
}

extension DomainState {
  init(_ state: Domain.State, reason: Int32) {
    switch state {
    case .running, .blocked: self = .running
    case .paused:
      switch reason {
      case Domain.PauseReason.startingUp: self = .starting
      case Domain.PauseReason.ioError: self = .pausedOnError
      default: self = .paused
      }
    case .shuttingDown: self = .stopping
    case .shutOff: self = .stopped
    case .crashed: self = .crashed
    case .suspendedByGuest: self = .suspended
    default: self = .unknown
    }
  }
}
