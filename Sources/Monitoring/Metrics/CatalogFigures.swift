package import Catalog
package import CoreMetrics
import Disks
import Foundation
package import Model

/// What the catalog tells about jobs, workers and itself.
///
/// Only jobs that are unfinished or need an operator are counted in it: what has ended grows without end, and is counted as it
/// ends.
package struct CatalogFigures: Sendable {
  private static let files = [("database", ""), ("wal", "-wal")]
  private static let unfinished = JobState.allCases.filter { !$0.isFinal }

  private let catalog: any Catalog
  private let path: String
  private let clock: any WallClock
  private let factory: any MetricsFactory
  private let executor = BlockingExecutor(label: "rehome.figures", width: 1)

  /// Makes the figures of the catalog whose file is at `path`.
  package init(
    catalog: any Catalog,
    path: String,
    clock: any WallClock,
    metrics: any MetricsFactory
  ) {
    self.catalog = catalog
    self.path = path
    self.clock = clock
    factory = metrics
  }

  /// Asks the catalog, and keeps what it says.
  package func collect() async throws(CatalogFault) {
    let (counts, unsettled, nodes) = try await catalog.read { transaction in
      (
        try transaction.unfinishedCounts(), try transaction.unsettledCount(),
        try transaction.nodes()
      )
    }
    let now = clock.now()
    for kind in JobKind.allCases {
      for state in Self.unfinished {
        let count = counts.first { $0.kind == kind && $0.state == state }?.count ?? 0
        set(.jobs, [("kind", kind.rawValue), ("state", state.rawValue)], Double(count))
      }
    }
    let oldest = counts.filter { $0.state == .queued }.map(\.oldest).min()
    set(.queueAge, [], oldest.map { Self.seconds(from: $0, to: now) } ?? 0)
    set(.jobsNeedingOperator, [], Double(unsettled))
    for node in nodes {
      guard let heartbeat = node.heartbeatAt else { continue }
      set(.heartbeatAge, [("node", node.name)], Self.seconds(from: heartbeat, to: now))
    }
    for (name, size) in await fileSizes() { set(.catalogFileBytes, [("file", name)], size) }
  }

  private func fileSizes() async -> [(String, Double)] {
    let path = path
    return await executor.run {
      Self.files.map { name, suffix in
        let attributes = try? FileManager.default.attributesOfItem(atPath: path + suffix)
        // The log ahead isn't there before the first write.
        return (name, ((attributes?[.size] as? NSNumber)?.doubleValue) ?? 0)
      }
    }
  }

  private func set(_ name: MetricName, _ labels: [(String, String)], _ value: Double) {
    Meter(label: name.rawValue, dimensions: labels, factory: factory).set(value)
  }

  private static func seconds(from start: Timestamp, to end: Timestamp) -> Double {
    Double(max(0, end.milliseconds - start.milliseconds)) / 1000
  }
}
