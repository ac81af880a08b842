import Foundation
import TestSupport
import Testing

@testable import Jobs

@Suite(.scratchDirectory)
struct HostLockTests {
  private var path: String { "\(ScratchDirectory.path)/vps.lock" }

  @Test func `a lock is had once, also within one process, until it is released`() async throws {
    let lock = try await HostLock.take(path)
    #expect(await lock.isHeld())
    await #expect(throws: (any Error).self) { try await HostLock.take(path) }
    lock.release()
    #expect(await !lock.isHeld())
    let next = try await HostLock.take(path)
    #expect(await next.isHeld())
    #expect(await !lock.isHeld())
    next.release()
    #expect(FileManager.default.fileExists(atPath: path))
  }

  @Test func `a lock of a file that was removed or replaced isn't held`() async throws {
    let lock = try await HostLock.take(path)
    try FileManager.default.removeItem(atPath: path)
    #expect(await !lock.isHeld())
    let other = try await HostLock.take(path)
    #expect(await !lock.isHeld())
    #expect(await other.isHeld())
    other.release()
    lock.release()
  }

  @Test func `a lock is had although somebody has removed its directory`() async throws {
    let directory = "\(ScratchDirectory.path)/locks"
    try await HostLock.makeDirectory(directory)
    try await HostLock.take("\(directory)/vps.lock").release()
    try FileManager.default.removeItem(atPath: directory)
    let lock = try await HostLock.take("\(directory)/vps.lock")
    #expect(await lock.isHeld())
    lock.release()
  }
}
