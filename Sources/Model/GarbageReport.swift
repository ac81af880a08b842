/// What a garbage collection found and did.
///
/// Stored with the task that it was: members are append-only.
package struct GarbageReport: Sendable, Equatable, Codable {
  /// Whether nothing was removed, only told.
  package var isDryRun: Bool
  /// Whether it went to its end; one that was interrupted goes on where it was.
  package var isComplete = false
  /// Indexes whose chunks were marked, snapshots of others among them.
  package var indexCount = 0
  /// Chunks that an index names and that aren't there.
  package var missingCount = 0
  /// Chunks that were removed, or would have been.
  package var removedCount = 0
  /// The bytes of their files.
  package var removedBytes: Int64 = 0
  /// Unused chunks that are too young to go.
  package var pendingCount = 0
  /// The bytes of their files.
  package var pendingBytes: Int64 = 0
  /// Quarantined files that nobody wants any more.
  package var removedBadCount = 0
  /// Quarantined files that a backup still lacks, or that are too young to go.
  package var badCount = 0
  /// Half-written files that a crash left and that were removed.
  package var leftoverCount = 0
  /// Chunks that stay because they are used.
  package var usedCount = 0
  /// The bytes of their files.
  package var usedBytes: Int64 = 0

  /// Makes the report of a collection that has yet to begin.
  package init(isDryRun: Bool) {
    self.isDryRun = isDryRun
  }
}

/// How far a garbage collection has come.
package struct GarbageProgress: Sendable, Equatable {
  /// What it does.
  package enum Phase: String, Sendable {
    /// It finds out what is used.
    case mark
    /// It removes what isn't.
    case sweep
  }

  /// What it does now.
  package var phase: Phase
  /// How many indexes or folders are done.
  package var done: Int
  /// How many there are.
  package var total: Int

  /// Makes a progress report.
  package init(phase: Phase, done: Int, total: Int) {
    self.phase = phase
    self.done = done
    self.total = total
  }

  /// 0…100 over both phases, which take about the same time.
  package var percent: Int {
    let part = total > 0 ? min(50, 50 * done / total) : 50
    return phase == .mark ? part : 50 + part
  }
}
