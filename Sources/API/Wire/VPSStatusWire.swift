import Model
import Operations

/// What a VPS does and uses now.
struct VPSStatusWire: Encodable {
  /// How much of something is used; null where that isn't known.
  struct Usage: Encodable {
    @NullWhenNil var usedGb: Double?
    @NullWhenNil var usedBytes: Int64?
    @NullWhenNil var totalGb: Double?
    @NullWhenNil var totalBytes: Int64?
    @NullWhenNil var usagePercent: Double?

    init(used: Int64?, total: Int64?) {
      usedBytes = used
      usedGb = used.map(Sizes.gb)
      totalBytes = total
      totalGb = total.map(Sizes.gb)
      usagePercent = used.flatMap { used in
        total.flatMap { $0 > 0 ? (Double(used) / Double($0) * 1000).rounded() / 10 : nil }
      }
    }
  }

  /// A job that hasn't ended.
  struct Task: Encodable {
    let id: String
    let type: JobKind
    let status: OperationStatus
    let progress: Int

    init(_ job: Job) {
      id = job.id.text
      type = job.task.kind
      status = OperationStatus(job.state)
      progress = job.progress.percent
    }
  }

  let id: String
  let powerState: PowerState
  let uptimeSeconds: Int64?
  let memory: Usage
  let storage: Usage
  let pendingTasks: [Task]
  @NullWhenNil var observedAt: String?
  let live: Bool

  init(_ status: VPSStatus) {
    let seen = status.status
    id = status.vps.id.text
    powerState = seen?.powerState ?? .unknown
    uptimeSeconds = seen?.uptimeSeconds
    memory = Usage(used: seen?.memoryUsedBytes, total: seen?.memoryTotalBytes)
    storage = Usage(used: seen?.storageUsedBytes, total: seen?.storageTotalBytes)
    pendingTasks = status.pendingJobs.map(Task.init)
    observedAt = status.observedAt?.text
    live = status.isLive
  }
}
