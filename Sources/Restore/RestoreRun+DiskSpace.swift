import Datastore
import Disks
import Model

extension RestoreRun {
  /// Promises the disks, before the target is stopped, room for what the backup puts into their holes.
  ///
  /// What the target writes meanwhile makes that an estimate; writing looks again as it goes on.
  ///
  /// - Returns: What was promised, by file system.
  func promiseDiskSpace(
    for disks: [StagedDisk],
    in snapshot: Snapshot
  ) async throws(StepStop) -> [String: Int64] {
    var needed: [String: Int64] = [:]
    for disk in disks {
      let bytes = try await bytesIntoHoles(disk, index(of: disk, in: snapshot))
      guard bytes > 0 else { continue }
      let space = try await fromDisks { () async throws(DiskError) in
        try await FreeSpace.at(disk.currentPath)
      }
      let sum = needed[space.fileSystem, default: 0] + bytes
      needed[space.fileSystem] = sum
      let room = space.stageBytes(beside: .inPlace)
      guard case .missing(let missing) = try await promise(sum, in: space.fileSystem, of: room)
      else { continue }
      throw .because(
        .hostStorageFull,
        "There is no room for what the backup puts where the target's disks hold nothing: "
          + "\(sum) bytes, and \(missing) of them are missing beside what guests keep and other jobs "
          + "were promised."
      )
    }
    return needed
  }

  /// How many bytes of a disk are holes now and won't be; none of a block device, whose holes nobody
  /// knows.
  private func bytesIntoHoles(
    _ disk: StagedDisk,
    _ index: FixedIndex
  ) async throws(StepStop) -> Int64 {
    let extents = try await reading(disk) { device throws(StepStop) in
      try await fromDisks { () async throws(DiskError) in
        try await device.extents(in: 0..<device.size)
      }
    }
    return index.dataBytes(in: extents.filter(\.isZero).map(\.range))
  }
}

extension FixedIndex {
  /// How many bytes of these ranges belong to chunks that aren't zero.
  func dataBytes(in ranges: [Range<Int64>]) -> Int64 {
    var sum: Int64 = 0
    for range in ranges where !range.isEmpty {
      let first = Int(range.lowerBound / Int64(chunkSize))
      let last = min(chunkCount - 1, Int((range.upperBound - 1) / Int64(chunkSize)))
      guard first <= last else { continue }
      for chunk in first...last where !isZero(chunk) {
        let start = Int64(chunk) * Int64(chunkSize)
        sum += Int64((start..<(start + Int64(length(of: chunk)))).clamped(to: range).count)
      }
    }
    return sum
  }
}
