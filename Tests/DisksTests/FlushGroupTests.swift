import Disks
import Synchronization
import TestSupport
import Testing

struct FlushGroupTests {
  /// A disk whose flushes last as long as the test wants.
  private final class SlowDisk: BlockDevice {
    let size: Int64 = 1 << 20
    let flushes = Mutex<[CheckedContinuation<Void, Never>]>([])
    let count = Mutex(0)
    let failsFrom = Mutex(Int.max)

    func read(at offset: Int64, into buffer: AlignedBuffer, count: Int) async throws(DiskError) {}
    func write(
      at offset: Int64,
      from buffer: AlignedBuffer,
      part: Range<Int>
    ) async throws(DiskError) {}
    func zero(at offset: Int64, count: Int64) async throws(DiskError) {}
    func extents(in range: Range<Int64>) async throws(DiskError) -> [Extent] { [] }
    func close() async throws(DiskError) {}

    func flush() async throws(DiskError) {
      let number = count.withLock { count in
        count += 1
        return count
      }
      await withCheckedContinuation { continuation in flushes.withLock { $0.append(continuation) } }
      if number >= failsFrom.withLock({ $0 }) {
        throw .io(operation: "fsync", path: "disk", errno: 5)
      }
    }

    /// Waits for a flush to be under way and ends it.
    func endOne() async {
      while true {
        if let flush = flushes.withLock({ $0.popLast() }) { return flush.resume() }
        await Task.yield()
      }
    }
  }

  /// How many were served.
  private final class Served: Sendable {
    private let state = Mutex(0)
    var count: Int { state.withLock { $0 } }
    func add() { state.withLock { $0 += 1 } }
  }

  @Test func `Those who come during a flush share the next one`() async throws {
    let disk = SlowDisk()
    let group = FlushGroup(disk)
    let served = Served()
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask {
        try await group.flush()
        served.add()
      }
      try await eventually("the first flush") { disk.flushes.withLock { $0.count == 1 } }
      for _ in 0..<10 {
        tasks.addTask {
          try await group.flush()
          served.add()
        }
      }
      // None of the ten is served by a flush that began before it came.
      try await Task.sleep(for: .milliseconds(50))
      #expect(served.count == 0)
      await disk.endOne()
      try await eventually("the first is served") { served.count == 1 }
      var flushes = 1
      while served.count < 11 {
        await disk.endOne()
        flushes += 1
        try await eventually("others are served") {
          disk.flushes.withLock { !$0.isEmpty } || served.count == 11
        }
      }
      #expect(flushes < 11)
      try await tasks.waitForAll()
    }
  }

  @Test func `A failed flush fails everyone it was for`() async throws {
    let disk = SlowDisk()
    disk.failsFrom.withLock { $0 = 1 }
    let group = FlushGroup(disk)
    await withTaskGroup(of: Bool.self) { tasks in
      for _ in 0..<6 {
        tasks.addTask {
          do throws(DiskError) {
            try await group.flush()
            return true
          } catch {
            return false
          }
        }
      }
      tasks.addTask {
        while !Task.isCancelled {
          if let flush = disk.flushes.withLock({ $0.popLast() }) { flush.resume() }
          await Task.yield()
        }
        return false
      }
      for _ in 0..<6 { #expect(await tasks.next() == false) }
      tasks.cancelAll()
    }
  }
}
