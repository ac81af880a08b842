import Model
import Testing

@testable import Backup

struct ScratchBudgetTests {
  private static let gib: Int64 = 1 << 30

  @Test func `a disk's share is bounded by the disk and by what is free`() throws {
    let roomy = try #require(
      ScratchBudget(sizes: [Self.gib, 100 * Self.gib], freeBytes: 500 * Self.gib, minimum: 4 << 30)
    )
    #expect(roomy.bytes == [Self.gib, 10 * Self.gib])
    let narrow = try #require(
      ScratchBudget(
        sizes: [8 * Self.gib, 8 * Self.gib],
        freeBytes: 2 * Self.gib + Limits.scratchFreeFloor,
        minimum: 4 << 30
      )
    )
    #expect(narrow.bytes == [Self.gib, Self.gib])
  }

  @Test func `without room for a guest's first writes there is no session`() {
    #expect(
      ScratchBudget(sizes: [Self.gib], freeBytes: Limits.scratchFreeFloor, minimum: 4 << 30) == nil
    )
    // A tiny disk needs no more than itself.
    #expect(
      ScratchBudget(
        sizes: [1 << 20],
        freeBytes: Limits.scratchFreeFloor + (1 << 20),
        minimum: 4 << 30
      )?.bytes == [1 << 20]
    )
  }
}
