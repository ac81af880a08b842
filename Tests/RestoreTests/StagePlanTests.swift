import Checksum
import Datastore
import Disks
import Testing

@testable import Restore

/// What is to be done with a disk, as tables.
struct StagePlanTests {
  private static let chunk: Int64 = 1 << 16

  /// An index of chunks that are zero (0) or hold the pattern of a number; the last one may be short.
  private static func index(_ chunks: [Int], lastLength: Int64 = chunk) async throws -> FixedIndex {
    try await DiskBench.index(of: chunks, chunkSize: Int(chunk), lastLength: Int(lastLength))
  }

  private static func extents(_ pieces: [(count: Int64, isZero: Bool)]) -> [Extent] {
    var start: Int64 = 0
    return pieces.map { piece in
      defer { start += piece.count * chunk }
      return Extent(range: start..<start + piece.count * chunk, isZero: piece.isZero)
    }
  }

  @Test func `an empty disk gets what isn't zero`() async throws {
    let plan = StagePlan.empty(try await Self.index([1, 0, 2, 0], lastLength: 512))
    #expect(plan.steps == [.write(0), .write(2)])
    #expect(plan.bytesReused == Self.chunk + 512)
  }

  @Test func `a disk that holds something is compared where both may hold data`() async throws {
    let plan = StagePlan.delta(
      try await Self.index([1, 0, 2, 0, 0, 3]),
      over: Self.extents([(2, false), (2, true), (2, false)]),
      map: nil
    )
    #expect(
      plan.steps == [
        .compare(0), .zero(Self.chunk..<2 * Self.chunk), .write(2),
        .zero(4 * Self.chunk..<5 * Self.chunk), .compare(5),
      ]
    )
    #expect(plan.bytesReused == Self.chunk)
  }

  @Test func `what lies behind a smaller backup becomes zero, joined to what is before it`()
    async throws
  {
    let plan = StagePlan.delta(
      try await Self.index([1, 0], lastLength: 1000),
      over: Self.extents([(3, false)]),
      map: nil
    )
    #expect(plan.steps == [.compare(0), .zero(Self.chunk..<3 * Self.chunk)])
    let sparse = StagePlan.delta(
      try await Self.index([1]),
      over: Self.extents([(1, false), (2, true)]),
      map: nil
    )
    #expect(sparse.steps == [.compare(0)])
    let scattered = StagePlan.delta(
      try await Self.index([1], lastLength: 1000),
      over: Self.extents([(1, false), (2, true), (1, false), (5, true)]),
      map: nil
    )
    #expect(
      scattered.steps == [
        .compare(0), .zero(1000..<Self.chunk), .zero(3 * Self.chunk..<4 * Self.chunk),
      ]
    )
  }

  @Test func `a map vouches for clean chunks of the same content, and for nothing else`()
    async throws
  {
    let held = try await Self.index([1, 2, 3, 4, 5], lastLength: 512)
    let wanted = try await Self.index([1, 9, 3, 4, 5, 6])
    let map = TargetMap(
      index: held,
      dirty: [2 * Self.chunk + 7..<2 * Self.chunk + 8, 9 * Self.chunk..<10 * Self.chunk]
    )
    let plan = StagePlan.delta(wanted, over: Self.extents([(6, false)]), map: map)
    // 1 is known to differ, 2 is dirty, 4 was shorter, 5 wasn't there.
    #expect(plan.steps == [.write(1), .compare(2), .compare(4), .compare(5)])
    #expect(plan.bytesReused == 2 * Self.chunk)
  }

  @Test func `a map of other chunk sizes tells nothing`() async throws {
    let held = try await DiskBench.index(of: [1, 2], chunkSize: 1 << 17, lastLength: 1 << 17)
    let plan = StagePlan.delta(
      try await Self.index([1, 1, 2, 2]),
      over: Self.extents([(4, false)]),
      map: TargetMap(index: held, dirty: [])
    )
    #expect(plan.steps.count == 4)
  }

  @Test func `a dirty range makes every chunk dirty that it touches`() async throws {
    let index = try await Self.index([1, 2, 3, 4])
    let map = TargetMap(index: index, dirty: [Self.chunk - 1..<2 * Self.chunk + 1])
    #expect((0..<4).map { map.vouches(for: $0, as: index) } == [false, false, false, true])
    let other = try await Self.index([5, 6, 7, 8])
    #expect((0..<4).map { map.denies($0, as: other) } == [false, false, false, true])
  }
}
