internal import Model

/// The second phase: what nobody has touched goes.
struct GarbageSweep: Sendable {
  let layout: StoreLayout
  let stripes: ChunkStripes
  let rules: GarbageRules
  let isDryRun: Bool
  /// The folders that are there: a copying tool may have left out empty ones.
  let present: Set<Int>

  init(
    layout: StoreLayout,
    stripes: ChunkStripes,
    rules: GarbageRules,
    isDryRun: Bool,
    _ files: FileCalls
  ) throws(DatastoreError) {
    self.layout = layout
    self.stripes = stripes
    self.rules = rules
    self.isDryRun = isDryRun
    present = Set(
      try files.names(in: layout.chunks)?.compactMap { name in
        name.utf8.count == 4 ? Int(name, radix: 16) : nil
      } ?? []
    )
  }

  /// Sweeps some folders and adds to the report what it found.
  func run(
    _ folders: Range<Int>,
    _ report: GarbageReport,
    _ files: FileCalls
  ) throws(DatastoreError) -> GarbageReport {
    var report = report
    for number in folders where present.contains(number) {
      let folder = layout.chunkFolder(number)
      for name in try files.names(in: folder) ?? [] {
        let kind = GarbageRules.Kind(name)
        guard kind != .foreign else { continue }
        let path = "\(folder)/\(name)"
        // Looking and removing are one step for whoever wants the chunk at this moment.
        let found = try stripes.alone(inFolder: number) {
          () throws(DatastoreError) -> (GarbageRules.Verdict, Int)? in
          guard let status = try files.status(path) else { return nil }
          let verdict = rules.verdict(on: kind, status)
          if verdict == .remove, !isDryRun { try files.removeFile(path) }
          return (verdict, status.byteCount)
        }
        guard let (verdict, byteCount) = found else { continue }
        report.count(kind, verdict, Int64(byteCount))
      }
    }
    return report
  }
}

extension GarbageReport {
  /// Counts one file.
  fileprivate mutating func count(
    _ kind: GarbageRules.Kind,
    _ verdict: GarbageRules.Verdict,
    _ bytes: Int64
  ) {
    switch (kind, verdict) {
    case (.chunk, .remove):
      removedCount += 1
      removedBytes += bytes
    case (.chunk, .pending):
      pendingCount += 1
      pendingBytes += bytes
    case (.chunk, .keep):
      usedCount += 1
      usedBytes += bytes
    case (.bad, .remove):
      removedBadCount += 1
      removedBytes += bytes
    case (.bad, .pending), (.bad, .keep):
      badCount += 1
    case (.leftover, .remove):
      leftoverCount += 1
      removedBytes += bytes
    case (.leftover, .pending), (.leftover, .keep), (.foreign, _):
      break
    }
  }
}
