import Catalog
import Disks
import Logging
import Model

/// A job that this worker may work on: leased in the catalog, its VPS locked on this host.
struct Claim: Sendable {
  let job: Job
  let lease: Lease
  let lock: HostLock
}

extension Worker {
  /// How long a job rests whose VPS is locked by somebody else.
  static let lockedRest = Duration.seconds(1)

  /// Claims the next job; nil when there is none.
  func claim() async throws(CatalogFault) -> Claim? {
    // Each turn puts one job to rest or ends the loop.
    while !Task.isCancelled {
      let (node, now) = (node, clock.now())
      var generator = SystemRandomNumberGenerator()
      let token = ULID(at: now, using: &generator).description
      let until = now.advanced(by: Limits.leaseDuration)
      let job = try await catalog.write {
        try $0.claimJob(node: node, token: token, now: now, leaseUntil: until)
      }
      guard let job else { return nil }
      let lease = Lease(jobID: job.id, token: token, until: until)
      if let lock = await lock(job) { return Claim(job: job, lease: lease, lock: lock) }
      let rest = clock.now().advanced(by: Self.lockedRest)
      _ = try await catalog.write { try $0.giveBack(lease, until: rest) }
    }
    return nil
  }

  private func lock(_ job: Job) async -> HostLock? {
    let path = "\(locksDirectory)/\(job.vpsID).lock"
    do throws(RecordLock.Failure) {
      return try await HostLock.take(path)
    } catch {
      // A busy lock is a former process on its way out, or an operator's tool at work.
      logger.warning(
        "VPS locked by another process",
        metadata: ["job.id": "\(job.id)", "vps.id": "\(job.vpsID)", "error": "\(error)"]
      )
      return nil
    }
  }
}
