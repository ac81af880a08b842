import Checksum
import Datastore
import Disks
import Model

/// Goes over the chunks of an index, several at a time, in no promised order.
struct ChunkWalk: Sendable {
  let index: FixedIndex
  let buffers: BufferPool

  /// Does `body` for every chunk; `each` hears of each one that is done, one at a time, and stops
  /// the walk by throwing.
  ///
  /// The pool bounds the memory, the window bounds the tasks.
  func run(
    each: (_ done: StagedRecord, _ length: Int) throws(StepStop) -> Void,
    body: @escaping @Sendable (_ chunk: Int, AlignedBuffer) async throws(StepStop) -> StagedRecord
  ) async throws(StepStop) {
    typealias Done = Result<(record: StagedRecord, length: Int), StepStop>
    let stop = await withTaskGroup(of: Done.self) { group -> StepStop? in
      var next = 0
      func add() {
        guard next < index.chunkCount else { return }
        let chunk = next
        next += 1
        group.addTask { await one(chunk, body) }
      }
      for _ in 0..<Limits.chunksInFlight { add() }
      while let result = await group.next() {
        do throws(StepStop) {
          let done = try result.get()
          try each(done.record, done.length)
        } catch {
          group.cancelAll()
          return error
        }
        add()
      }
      return nil
    }
    if let stop { throw stop }
  }

  private func one(
    _ chunk: Int,
    _ body: @Sendable (_ chunk: Int, AlignedBuffer) async throws(StepStop) -> StagedRecord
  ) async -> Result<(record: StagedRecord, length: Int), StepStop> {
    do throws(StepStop) {
      let record = try await buffers.withBuffer { buffer throws(StepStop) in
        try await body(chunk, buffer)
      }
      return .success((record, index.length(of: chunk)))
    } catch {
      return .failure(error)
    }
  }
}

extension StagedRecord {
  static func += (left: inout StagedRecord, right: StagedRecord) {
    left.bytesRead += right.bytesRead
    left.bytesWritten += right.bytesWritten
    left.bytesReused += right.bytesReused
  }
}
