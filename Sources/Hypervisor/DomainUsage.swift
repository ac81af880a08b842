/// What a domain uses at one moment.
package struct DomainUsage: Sendable, Equatable {
  /// What it is doing.
  package var state: DomainState
  /// How long its machine has been powered on; nil when that isn't known, or it isn't.
  package var uptimeSeconds: Int64?
  /// Memory that the guest can use.
  package var memoryTotalBytes: Int64
  /// Memory that the guest uses, as its balloon driver told lately; nil without one.
  package var memoryUsedBytes: Int64?
  /// The size of its data disks as the guest sees them.
  package var storageTotalBytes: Int64
  /// What its data disks take on the host; nil when a disk doesn't tell.
  package var storageUsedBytes: Int64?

  /// Makes a usage from its parts.
  package init(
    state: DomainState,
    uptimeSeconds: Int64? = nil,
    memoryTotalBytes: Int64,
    memoryUsedBytes: Int64? = nil,
    storageTotalBytes: Int64,
    storageUsedBytes: Int64? = nil
  ) {
    self.state = state
    self.uptimeSeconds = uptimeSeconds
    self.memoryTotalBytes = memoryTotalBytes
    self.memoryUsedBytes = memoryUsedBytes
    self.storageTotalBytes = storageTotalBytes
    self.storageUsedBytes = storageUsedBytes
  }
}
