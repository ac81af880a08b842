import Disks
import Model

/// How much of the host the scratch files of a session may take, disk by disk.
struct ScratchBudget: Sendable, Equatable {
  /// The bytes of each disk, in the order of the disks.
  var bytes: [Int64]

  /// Sets a budget: a share of each disk, at least `minimum` and at most the disk, all of them
  /// within what the file system has.
  ///
  /// - Returns: nil if so little is free that a guest's first writes would fill it.
  init?(sizes: [Int64], freeBytes: Int64, minimum: Int64) {
    let wanted = sizes.map { size in
      min(size, max(minimum, Int64(Double(size) * Limits.scratchShare)))
    }
    let total = wanted.reduce(0, +)
    let available = freeBytes - Limits.scratchFreeFloor
    guard available >= min(total, Limits.scratchSmallest) else { return nil }
    let scale = total > available ? Double(available) / Double(total) : 1
    bytes = wanted.map { Int64(Double($0) * scale) }
  }

  /// Sets the budget of a session's scratch files in `directory`.
  static func reserve(
    for disks: [ObservedDisk],
    in directory: String,
    minimum: Int64
  ) async throws(BackupStop) -> ScratchBudget {
    let free = try await fromDisks { () async throws(DiskError) in
      try await FreeSpace.at(directory).freeBytes
    }
    let sizes = disks.map { $0.sizeBytes ?? Limits.scratchSmallest }
    guard let budget = ScratchBudget(sizes: sizes, freeBytes: free, minimum: minimum) else {
      throw .because(
        .scratchFull,
        "The host has no room for what the guest writes while its disks are read."
      )
    }
    return budget
  }
}
