import Disks
import Synchronization
import Testing

struct BufferPoolTests {
  @Test func `A buffer is aligned, zeroed and as large as asked for`() {
    let buffer = AlignedBuffer(capacity: 5000)
    #expect(buffer.capacity == 8192)
    let sum = buffer.withBytes(8192) { span in
      unsafe span.withUnsafeBytes { bytes in
        let address = UInt(bitPattern: bytes.baseAddress)
        #expect(address % 4096 == 0)
        return unsafe bytes.reduce(0) { $0 + Int($1) }
      }
    }
    #expect(sum == 0)
  }

  @Test func `No more buffers are out than the pool has, and errors give them back`() async {
    struct Oops: Error {}
    let pool = BufferPool(count: 3, capacity: 4096)
    let lent = Lent()
    await withTaskGroup { group in
      for number in 0..<60 {
        group.addTask {
          try? await pool.withBuffer { buffer throws(Oops) in
            lent.add()
            buffer.withMutableBytes(4096) { span in
              span.storeBytes(of: UInt8(number), toByteOffset: 17, as: UInt8.self)
            }
            await Task.yield()
            let seen = buffer.withBytes(18) {
              unsafe $0.unsafeLoad(fromByteOffset: 17, as: UInt8.self)
            }
            #expect(seen == number)
            lent.remove()
            if number % 5 == 0 { throw Oops() }
          }
        }
      }
    }
    #expect(lent.most <= 3)
  }

  @Test(.timeLimit(.minutes(1)))
  func `Who shares a pool and gives nothing back leaves some to others`() async {
    let pool = BufferPool(count: 3, capacity: 4096)
    let (one, other) = (pool.share(2), pool.share(2))
    let gate = AsyncSlots(count: 2)
    for _ in 0..<2 { await gate.acquire() }
    let held = AsyncSlots(count: 2)
    await withTaskGroup { group in
      for _ in 0..<2 {
        await held.acquire()
        group.addTask {
          await one.withBuffer { _ in
            held.release()
            await gate.acquire()
          }
        }
      }
      // Both are out by now, and the third is enough for others.
      for _ in 0..<2 { await held.acquire() }
      for _ in 0..<3 { await other.withBuffer { #expect($0.capacity == 4096) } }
      for _ in 0..<2 { gate.release() }
    }
  }

  @Test func `A writer beside another user of a buffer traps`() async {
    await #expect(processExitsWith: .failure) {
      let buffer = AlignedBuffer(capacity: 10)
      buffer.withBytes(10) { _ in buffer.withMutableBytes(10) { _ in } }
    }
  }
}

/// Counts what is lent at the same time.
private final class Lent: Sendable {
  private let counts = Mutex((now: 0, most: 0))

  var most: Int { counts.withLock { $0.most } }

  func add() {
    counts.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
  }

  func remove() {
    counts.withLock { $0.now -= 1 }
  }
}
