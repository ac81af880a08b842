/// Which disk of a backup goes onto which disk of the target.
package struct DiskPair: Sendable, Equatable, Codable {
  /// The backup's disk.
  package var source: BackupDisk
  /// The target's disk.
  package var target: ObservedDisk

  /// Makes a pair.
  package init(source: BackupDisk, target: ObservedDisk) {
    self.source = source
    self.target = target
  }
}

/// Why a backup doesn't fit a target; each has its own code on the wire.
package enum Mismatch: Error, Sendable, Equatable {
  case diskCount(backup: Int, target: Int)
  case diskTooSmall(device: String, backupBytes: Int64, targetBytes: Int64)
  case hostSpace(neededBytes: Int64, freeBytes: Int64)
  case firmware(backup: Firmware, target: Firmware)
  case bus(device: String, backup: String, target: String)
  case blockSize(device: String, backup: Int, target: Int)
  case tpm(backup: Bool, target: Bool)
  case unsupportedStorage(device: String)
  case unknownSize(device: String)
}

/// The decision which disks go where, made from facts alone.
package struct RestorePlan: Sendable, Equatable {
  /// The pairs in the order of the target's XML.
  package let pairs: [DiskPair]

  /// Fits a backup onto a target; every mismatch is told, not the first alone.
  package static func make(
    _ contents: BackupContents,
    onto target: Observation,
    strategy: RestoreStrategy = .staged,
    reservedBytes: Int64 = 0
  ) -> Result<RestorePlan, Mismatches> {
    guard contents.disks.count == target.disks.count else {
      return .failure(
        Mismatches([.diskCount(backup: contents.disks.count, target: target.disks.count)])
      )
    }
    let pairs = match(contents.disks, target.disks)
    var found: [Mismatch] = []
    if contents.firmware != target.firmware {
      found.append(.firmware(backup: contents.firmware, target: target.firmware))
    }
    if contents.hasTPM != target.hasTPM {
      found.append(.tpm(backup: contents.hasTPM, target: target.hasTPM))
    }
    for pair in pairs { found += mismatches(of: pair, strategy: strategy) }
    // In place nothing is staged; an undo log that finds no room puts everything back.
    if strategy == .staged, found.isEmpty,
      let shortage = shortage(pairs, reservedBytes: reservedBytes)
    {
      found.append(shortage)
    }
    return found.isEmpty
      ? .success(RestorePlan(pairs: pairs)) : .failure(Mismatches(found))
  }

  /// The host space that staging takes of each file system; one whose name isn't known is left out.
  package var neededByFileSystem: [String: Int64] {
    var nonZero: [String: Int64] = [:]
    for pair in pairs {
      guard let fileSystem = pair.target.fileSystem else { continue }
      nonZero[fileSystem, default: 0] += pair.source.nonZeroBytes
    }
    return nonZero.mapValues { Self.neededBytes(nonZeroBytes: $0) }.filter { $0.value > 0 }
  }

  /// Host space that staging a backup takes, with its reserve.
  package static func neededBytes(nonZeroBytes: Int64) -> Int64 {
    nonZeroBytes + Int64(Double(nonZeroBytes) * Limits.stageReserve)
  }

  /// By device name when both have the same names, else boot disk first and then in order.
  private static func match(_ sources: [BackupDisk], _ targets: [ObservedDisk]) -> [DiskPair] {
    if Set(sources.map(\.device)) == Set(targets.map(\.device)) {
      return targets.compactMap { target in
        sources.first { $0.device == target.device }.map { DiskPair(source: $0, target: target) }
      }
    }
    return zip(
      bootFirst(sources, \.bootOrder),
      bootFirst(targets, \.bootOrder)
    ).map { DiskPair(source: $0, target: $1) }
  }

  private static func bootFirst<Disk>(_ disks: [Disk], _ order: (Disk) -> Int?) -> [Disk] {
    disks.enumerated().sorted {
      let (left, right) = (order($0.element) ?? .max, order($1.element) ?? .max)
      return (left, $0.offset) < (right, $1.offset)
    }.map(\.element)
  }

  private static func mismatches(of pair: DiskPair, strategy: RestoreStrategy) -> [Mismatch] {
    var found: [Mismatch] = []
    let device = pair.target.device
    if !isSupported(pair.target, by: strategy) {
      found.append(.unsupportedStorage(device: device))
    }
    if pair.source.bus != pair.target.bus {
      found.append(.bus(device: device, backup: pair.source.bus, target: pair.target.bus))
    }
    if pair.source.logicalBlockSize != pair.target.logicalBlockSize {
      found.append(
        .blockSize(
          device: device,
          backup: pair.source.logicalBlockSize,
          target: pair.target.logicalBlockSize
        )
      )
    }
    guard let size = pair.target.sizeBytes else {
      if found.isEmpty { found.append(.unknownSize(device: device)) }
      return found
    }
    if pair.source.sizeBytes > size {
      found.append(
        .diskTooSmall(device: device, backupBytes: pair.source.sizeBytes, targetBytes: size)
      )
    }
    return found
  }

  /// Exchanged are files alone; written over is what holds the guest's bytes as they are.
  static func isSupported(_ disk: ObservedDisk, by strategy: RestoreStrategy) -> Bool {
    switch strategy {
    case .staged:
      disk.storage == .file && disk.obstacle != .unsupportedStorage && disk.obstacle != .hostile
    case .inPlace:
      (disk.storage == .file || disk.storage == .block) && disk.format == "raw"
        && disk.obstacle == nil
    }
  }

  /// All stages must fit; disks may share a file system, so the least free space counts for all.
  private static func shortage(_ pairs: [DiskPair], reservedBytes: Int64) -> Mismatch? {
    let needed = neededBytes(nonZeroBytes: pairs.reduce(0) { $0 + $1.source.nonZeroBytes })
    guard let free = pairs.compactMap(\.target.freeBytes).min() else { return nil }
    let available = max(0, free - reservedBytes)
    return needed > available ? .hostSpace(neededBytes: needed, freeBytes: available) : nil
  }
}

/// All the reasons why a backup doesn't fit a target.
package struct Mismatches: Error, Sendable, Equatable {
  /// The reasons, never empty.
  package let all: [Mismatch]

  /// Collects reasons.
  package init(_ all: [Mismatch]) {
    self.all = all
  }
}
