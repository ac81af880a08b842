import Catalog
import Disks
import Logging
import Model

/// A job that this worker may work on: leased in the catalog, its VPS locked on this host.
struct Claim: Sendable {
  let job: Job
  let lease: Lease
  /// The lock of the job's class; each VPS has one for its data and one for its power.
  let lock: HostLock
  /// Where the lock of the VPS's power is; a data job takes it as well while it holds the power.
  let powerLockPath: String
}

extension Worker {
  /// How long a job rests whose VPS is locked by somebody else.
  static let lockedRest = Duration.seconds(1)

  /// Claims the next job of some classes; nil when there is none.
  func claim(_ classes: Set<JobClass>) async throws(CatalogFault) -> Claim? {
    // Each turn puts one job to rest or ends the loop.
    while !classes.isEmpty, !Task.isCancelled {
      let (node, now) = (node, clock.now())
      var generator = SystemRandomNumberGenerator()
      let token = ULID(at: now, using: &generator).description
      let until = now.advanced(by: Limits.leaseDuration)
      let job = try await catalog.write {
        try $0.claimJob(node: node, classes: classes, token: token, now: now, leaseUntil: until)
      }
      guard let job else { return nil }
      let lease = Lease(jobID: job.id, token: token, until: until)
      if let lock = await lock(job) {
        return Claim(
          job: job,
          lease: lease,
          lock: lock,
          powerLockPath: lockPath(of: job.vpsID, .power)
        )
      }
      let rest = clock.now().advanced(by: Self.lockedRest)
      _ = try await catalog.write { try $0.giveBack(lease, until: rest) }
    }
    return nil
  }

  private func lock(_ job: Job) async -> HostLock? {
    do throws(RecordLock.Failure) {
      return try await HostLock.take(lockPath(of: job.vpsID, job.task.jobClass))
    } catch .busy where job.task.jobClass == .power {
      // A restore is between its stop and its start: this waits until the machine is its own again.
      return nil
    } catch .busy {
      // A former process on its way out, or an operator's tool at work.
      logger.warning(
        "VPS locked by another process",
        metadata: ["job.id": "\(job.id)", "vps.id": "\(job.vpsID)"]
      )
      return nil
    } catch {
      logger.error(
        "VPS can't be locked",
        metadata: ["job.id": "\(job.id)", "vps.id": "\(job.vpsID)", "error": "\(error)"]
      )
      return nil
    }
  }

  /// The lock file of a VPS's data or power on this host.
  private func lockPath(of vps: VPSID, _ class: JobClass) -> String {
    switch `class` {
    case .data: "\(locksDirectory)/\(vps).lock"
    case .power: "\(locksDirectory)/\(vps).power.lock"
    }
  }
}
