import Foundation
import Model
import TestSupport
import Testing

@testable import Datastore

struct ReserveTests {
  @Test(arguments: [
    // A reserve of 1000.
    (free: Int64(0), isThere: true, expected: StoreReserve.Step.release),
    (free: 249, isThere: true, expected: .release), (free: 250, isThere: true, expected: .nothing),
    (free: 0, isThere: false, expected: .nothing), (free: 3999, isThere: false, expected: .nothing),
    (free: 4000, isThere: false, expected: .make),
  ])
  func `the reserve goes when next to nothing is left, and comes back with room to spare`(
    free: Int64,
    isThere: Bool,
    expected: StoreReserve.Step
  ) {
    #expect(StoreReserve(totalBytes: 50_000).step(freeBytes: free, isThere: isThere) == expected)
  }

  @Test func `the reserve of a large file system is bounded`() {
    #expect(StoreReserve(totalBytes: 1 << 50).byteCount == 64 << 20)
    #expect(StoreReserve(totalBytes: 0).step(freeBytes: 0, isThere: false) == .nothing)
  }

  @Test(.enabled("needs to mount a small file system", { await SmallFileSystem.isAvailable }))
  func `chunks leave room, and a store that others filled can be opened and cleaned up`()
    async throws
  {
    try await withScratch { root in
      try await SmallFileSystem.with(at: root, megabytes: 32) {
        let test = try TestStore(root: root)
        try await test.store.tendReserve()
        let size = StoreReserve(totalBytes: 32 << 20).byteCount
        #expect(try FileCalls().status(root + "/.rehome-reserve")?.byteCount == Int(size))
        let kept = try await test.backUp(noise(4 << 20), chunkSize: 1 << 20)
        await #expect(throws: DatastoreError.outOfSpace) {
          try await test.backUp(noise(32 << 20), at: 2000, chunkSize: 1 << 20)
        }
        #expect(try FileCalls().space(at: root).freeBytes >= size)
        try SmallFileSystem.fill(root, with: "others")
        #expect(try FileCalls().space(at: root).freeBytes == 0)
        try await test.store.tendReserve()
        #expect(!test.exists(root + "/.rehome-reserve"))
        #expect(try FileCalls().space(at: root).freeBytes >= size)
        // Filled once more, with nothing left to give away.
        try SmallFileSystem.fill(root, with: "others still")
        try await test.store.remove(kept.path)
        let report = try await test.store.collectGarbage()
        #expect(report.isComplete && report.pendingCount + report.usedCount > 0)
        _ = try TestStore(root: root)
        for name in ["others", ".chunks"] {
          try FileManager.default.removeItem(atPath: root + "/" + name)
        }
        try await test.store.tendReserve()
        #expect(test.exists(root + "/.rehome-reserve"))
      }
    }
  }
}
