import CLibvirt

/// What a guest's balloon driver tells of its memory, in bytes; nil: it doesn't.
package struct BalloonStatistics: Sendable, Equatable {
  /// Memory that the guest can use.
  package var available: Int64?
  /// Memory that the guest could get without swapping.
  package var usable: Int64?
  /// Memory that nobody uses.
  package var unused: Int64?
  /// The size that the balloon has now.
  package var actual: Int64?
  /// When the guest told this, in seconds since 1970; 0: never.
  package var updatedAt: Int64?
}

extension Domain {
  /// What the balloon driver tells; the guest is free to send anything.
  package func balloonStatistics() throws(LibvirtError) -> BalloonStatistics {
    let most = Int(VIR_DOMAIN_MEMORY_STAT_NR.rawValue)
    var entries = [virDomainMemoryStatStruct](
      repeating: virDomainMemoryStatStruct(),
      count: most
    )
    let count = try unsafe LibvirtError.check(
      virDomainMemoryStats(pointer, &entries, UInt32(most), 0),
      "virDomainMemoryStats"
    )
    var statistics = BalloonStatistics()
    for entry in entries.prefix(max(0, Int(count))) {
      let value = entry.val
      let bytes = Int64(clamping: value.multipliedReportingOverflow(by: 1024).partialValue)
      switch UInt32(bitPattern: entry.tag) {
      case VIR_DOMAIN_MEMORY_STAT_AVAILABLE.rawValue: statistics.available = bytes
      case VIR_DOMAIN_MEMORY_STAT_USABLE.rawValue: statistics.usable = bytes
      case VIR_DOMAIN_MEMORY_STAT_UNUSED.rawValue: statistics.unused = bytes
      case VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON.rawValue: statistics.actual = bytes
      case VIR_DOMAIN_MEMORY_STAT_LAST_UPDATE.rawValue:
        statistics.updatedAt = Int64(clamping: value)
      default: break
      }
    }
    return statistics
  }

  /// How often the guest has had what it wrote to a disk made durable, since its QEMU runs; nil where that
  /// isn't counted.
  package func flushCount(of device: String) throws(LibvirtError) -> Int64? {
    var count: Int32 = 0
    let operation = "virDomainBlockStatsFlags"
    try unsafe LibvirtError.check(
      virDomainBlockStatsFlags(pointer, device, nil, &count, 0),
      operation
    )
    var parameters = unsafe [virTypedParameter](
      repeating: virTypedParameter(),
      count: Int(max(0, count))
    )
    try unsafe LibvirtError.check(
      virDomainBlockStatsFlags(pointer, device, &parameters, &count, 0),
      operation
    )
    defer { unsafe virTypedParamsClear(&parameters, count) }
    var flushes: Int64 = 0
    let name = VIR_DOMAIN_BLOCK_STATS_FLUSH_REQ
    let found = try unsafe LibvirtError.check(
      virTypedParamsGetLLong(&parameters, count, name, &flushes),
      "virTypedParamsGetLLong"
    )
    return found == 1 ? flushes : nil
  }

  /// The size of a disk and what it takes on the host, in bytes.
  package func blockInformation(
    of device: String
  ) throws(LibvirtError) -> (capacity: Int64, allocation: Int64) {
    var information = virDomainBlockInfo()
    try unsafe LibvirtError.check(
      virDomainGetBlockInfo(pointer, device, &information, 0),
      "virDomainGetBlockInfo"
    )
    return (Int64(clamping: information.capacity), Int64(clamping: information.allocation))
  }
}
