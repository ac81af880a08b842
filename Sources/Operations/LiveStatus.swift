import Catalog
package import Hypervisor
package import Model

/// What a VPS does and uses at one moment.
package struct LiveStatus: Sendable, Equatable {
  /// What its machine does.
  package var powerState: PowerState
  /// How long it has been powered on; nil when that isn't known.
  package var uptimeSeconds: Int64?
  /// Memory it has.
  package var memoryTotalBytes: Int64
  /// Memory its guest uses; nil when the guest doesn't tell.
  package var memoryUsedBytes: Int64?
  /// The size of its disks.
  package var storageTotalBytes: Int64
  /// What its disks take on the host; nil when that isn't known.
  package var storageUsedBytes: Int64?

  /// Makes a status from its parts.
  package init(
    powerState: PowerState,
    uptimeSeconds: Int64? = nil,
    memoryTotalBytes: Int64,
    memoryUsedBytes: Int64? = nil,
    storageTotalBytes: Int64,
    storageUsedBytes: Int64? = nil
  ) {
    self.powerState = powerState
    self.uptimeSeconds = uptimeSeconds
    self.memoryTotalBytes = memoryTotalBytes
    self.memoryUsedBytes = memoryUsedBytes
    self.storageTotalBytes = storageTotalBytes
    self.storageUsedBytes = storageUsedBytes
  }
}

/// Where a VPS can be looked at while somebody waits for the answer.
///
/// Only a process that also works for the VPS's node has one: an API on its own needs no way to any
/// hypervisor.
package protocol LiveStatusSource: Sendable {
  /// What a VPS does now; nil when it can't be seen from here, or not in time.
  func status(of vps: VPS) async -> LiveStatus?
}

/// Looks at the VPSs of this host's own node.
package struct NodeStatusSource: LiveStatusSource {
  private let node: String
  private let hypervisor: any Hypervisor
  private let looks: LiveLooks

  /// Makes a source for the VPSs of a node.
  package init(node: String, hypervisor: any Hypervisor, clock: any WallClock) {
    self.node = node
    self.hypervisor = hypervisor
    looks = LiveLooks(clock: clock)
  }

  package func status(of vps: VPS) async -> LiveStatus? {
    guard vps.node == node else { return nil }
    let outcome = await looks.outcome(of: vps.id) { await look(at: vps) }
    guard case .seen(let status) = outcome else { return nil }
    return status
  }

  private func look(at vps: VPS) async -> LiveLooks.Outcome {
    do throws(HypervisorError) {
      return .seen(
        LiveStatus(try await hypervisor.usage(of: vps.reference, within: Limits.liveStatusWait))
      )
    } catch .timedOut {
      return .silent
    } catch {
      return .unseen
    }
  }
}

extension LiveStatus {
  fileprivate init(_ usage: DomainUsage) {
    self.init(
      powerState: PowerState(usage.state),
      uptimeSeconds: usage.uptimeSeconds,
      memoryTotalBytes: usage.memoryTotalBytes,
      memoryUsedBytes: usage.memoryUsedBytes,
      storageTotalBytes: usage.storageTotalBytes,
      storageUsedBytes: usage.storageUsedBytes
    )
  }
}

/// A VPS's status with its unfinished jobs.
package struct VPSStatus: Sendable {
  /// The VPS.
  package var vps: VPS
  /// What it does and uses; nil when it was never seen.
  package var status: LiveStatus?
  /// When that was seen; nil when never.
  package var observedAt: Timestamp?
  /// Whether it was seen for this answer, not before.
  package var isLive: Bool
  /// Its unfinished jobs, the oldest first.
  package var pendingJobs: [Job]

  /// Makes a status.
  package init(
    vps: VPS,
    status: LiveStatus?,
    observedAt: Timestamp?,
    isLive: Bool,
    pendingJobs: [Job]
  ) {
    self.vps = vps
    self.status = status
    self.observedAt = observedAt
    self.isLive = isLive
    self.pendingJobs = pendingJobs
  }
}

extension Operations {
  /// What a VPS does now, or, where it can't be seen from here, what was seen last.
  package func status(_ caller: Caller, of id: String) async throws(Refusal) -> VPSStatus {
    try caller.require(.readVM)
    let (vps, jobs) = try await read { transaction in
      let vps = try self.find(id, for: caller, transaction)
      let jobs = try JobClass.allCases.compactMap {
        try transaction.unfinishedJob(of: vps.id, class: $0)
      }
      return (vps, jobs.sorted { $0.createdAt < $1.createdAt })
    }
    // A terminated VPS's machine is nobody's: another one may have its name by now.
    if vps.serviceStatus != .terminated, let seen = await liveStatus?.status(of: vps) {
      return VPSStatus(
        vps: vps,
        status: seen,
        observedAt: clock.now(),
        isLive: true,
        pendingJobs: jobs
      )
    }
    return VPSStatus(
      vps: vps,
      status: vps.observation.map(LiveStatus.init),
      observedAt: vps.observation?.observedAt,
      isLive: false,
      pendingJobs: jobs
    )
  }
}

extension LiveStatus {
  /// What the worker saw last says nothing of use.
  fileprivate init(_ observation: Observation) {
    self.init(
      powerState: observation.powerState,
      memoryTotalBytes: observation.memoryBytes,
      storageTotalBytes: observation.storageBytes
    )
  }
}
