internal import CoreMetrics
internal import Model

/// Counts what goes through a store.
struct DatastoreFigures: Sendable {
  private let read: Counter
  private let readBytes: Counter
  private let bad: Counter
  private let new: Counter
  private let reused: Counter
  private let zero: Counter
  private let writtenBytes: Counter
  private let collected: Counter
  private let collectedBytes: Counter
  private let pendingBytes: Meter

  init(_ factory: any MetricsFactory) {
    func counter(_ name: MetricName, _ labels: [(String, String)] = []) -> Counter {
      Counter(label: name.rawValue, dimensions: labels, factory: factory)
    }
    read = counter(.chunksRead)
    readBytes = counter(.storeReadBytes)
    bad = counter(.chunksBad)
    new = counter(.chunksStored, [("outcome", "new")])
    reused = counter(.chunksStored, [("outcome", "reused")])
    zero = counter(.chunksStored, [("outcome", "zero")])
    writtenBytes = counter(.storeWrittenBytes)
    collected = counter(.garbageRuns)
    collectedBytes = counter(.garbageBytes)
    pendingBytes = Meter(label: MetricName.garbagePendingBytes.rawValue, factory: factory)
  }

  /// A chunk was read and is what its digest says.
  func didRead(bytes: Int) {
    read.increment()
    readBytes.increment(by: bytes)
  }

  /// A chunk couldn't be read: counted when it is the chunk's own fault.
  func didFail(_ error: DatastoreError) {
    switch error {
    case .chunkMissing, .chunkCorrupt: bad.increment()
    default: break
    }
  }

  /// Chunks that should be there aren't.
  func didLose(_ count: Int) { bad.increment(by: count) }

  /// Garbage was collected, or a part of it.
  func didCollect(_ report: GarbageReport) {
    guard report.isComplete else { return }
    collected.increment()
    collectedBytes.increment(by: Int(clamping: report.removedBytes))
    pendingBytes.set(report.pendingBytes)
  }

  /// Chunks were given to the store.
  func didStore(_ outcome: ChunkOutcome, count: Int = 1) {
    switch outcome {
    case .new(let bytes):
      new.increment(by: count)
      writtenBytes.increment(by: bytes)
    case .reused: reused.increment(by: count)
    case .zero: zero.increment(by: count)
    }
  }
}
