import Catalog
import Hypervisor
import Model

/// What the catalog says of a restore's filter.
struct FilterFacts: Sendable {
  /// The restore.
  var job: JobID
  /// The target's identifier, whether or not it is there.
  var target: VPSID
  /// The host of the target.
  var node: String
  /// The target; nil: gone.
  var vps: VPS?
  /// Whether a job is at the target's disks.
  var isUndecided: Bool
  /// The restore whose unconfirmed disk the target has.
  var standing: JobID?
  /// Whether another job has brought the disk that the target has.
  var isDiskGone: Bool
  /// When the last job ended that may have asked for the filter.
  var finishedAt: Timestamp
  /// What the filter is to be.
  var filter: NetworkFilter?
  /// The target's links that were set down.
  var cut: [CutLink]
  /// The addresses of other VPSs.
  var others: [String]

  /// Nil for a job that the catalog doesn't know.
  init?(
    _ transaction: any CatalogTransaction,
    of id: JobID,
    _ registry: AddressRegistry
  ) throws(CatalogError) {
    guard let job = try transaction.job(id) else { return nil }
    (self.job, target) = (job.id, job.vpsID)
    vps = try transaction.vps(job.vpsID)
    node = vps?.node ?? job.node
    let history = try transaction.firstBootHistory(of: job.vpsID)
    finishedAt = history.endedAt ?? .never
    let isExchanging = try transaction.isExchanging(job.vpsID)
    isUndecided = !job.state.isFinal || isExchanging
    standing = history.standing?.id
    // Of one that an operator must look at nobody knows which disk it has.
    isDiskGone = history.mover.map { $0.id != id && $0.failure?.left != .needsOperator } ?? false
    others = registry.addresses(besidesThoseOf: job.vpsID)
    cut = try transaction.cutLinks(of: job.vpsID)
    guard let vps, case .restore(let task) = job.task else { return }
    let source = try transaction.vps(task.sourceVPSID)
    filter = NetworkFilter.firstBoot(of: vps, in: id, fromDiskOf: source, others: others)
  }
}

extension CatalogTransaction {
  /// Whether a job has begun to stop a VPS for another disk, and isn't over.
  fileprivate func isExchanging(_ vps: VPSID) throws(CatalogError) -> Bool {
    guard let job = try unfinishedJob(of: vps, class: .data), job.task.changesDisks else {
      return false
    }
    return try !steps(of: job.id, named: [RestoreStep.stop.rawValue]).isEmpty
  }
}
