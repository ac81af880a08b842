import Disks
import Foundation
import Hypervisor
import Model
import Synchronization
import TestSupport
import Testing

@testable import Restore

/// Targets that end right after their start: what they have written decides where that leads.
@Suite(.scratchDirectory, .timeLimit(.minutes(3)))
struct RanOnNewDiskTests {
  private typealias World = SimulatedWorld

  /// A guest that may write to its disk before it ends.
  private struct Writer: GuestPower {
    let writes: Bool

    func willStart(_ domain: DomainDescription) throws(HypervisorError) {
      guard writes, let path = domain.inactiveDisks.first?.sourcePath,
        let file = FileHandle(forWritingAtPath: path)
      else { return }
      // Later than the clock's tick in which the disk was made.
      Thread.sleep(forTimeInterval: 0.02)
      try? file.write(contentsOf: Data("guest".utf8))
    }

    func didStop(_ domain: DomainDescription, isSudden: Bool) {}
  }

  private static func outcome(
    writes: Bool,
    _ strategy: RestoreStrategy
  ) async throws -> (job: Job, held: [UInt8]) {
    let world = try await World.make(holding: World.disk("abcd"))
    let backup = try await world.backup(of: World.disk("abXd"))
    let (host, name) = (world.host, world.target.domainName)
    let isOver = Flag()
    await host.setPower(Writer(writes: writes))
    await host.setBeforeEach { call in
      guard call.operation == .domain, !isOver.isRaised else { return }
      guard await host.calls.contains(where: { $0.operation == .start }) else { return }
      isOver.raise()
      _ = try? await host.change(name) { $0.description.state = .stopped }
    }
    let ended = Mutex<Job?>(nil)
    try await world.working {
      let job = try await world.restore(backup, strategy)
      ended.withLock { $0 = job }
    }
    return (try #require(ended.withLock { $0 }), try world.contents)
  }

  @Test(arguments: [RestoreStrategy.staged, .inPlace])
  func `a target that has written to its new disk keeps it`(
    _ strategy: RestoreStrategy
  ) async throws {
    let (job, held) = try await Self.outcome(writes: true, strategy)
    #expect(job.failure?.left == .needsOperator, "\(job)")
    #expect(job.failure?.detail.contains("has run on its new disk") == true)
    #expect(held == Array("guest".utf8) + World.disk("abXd").dropFirst(5))
  }

  @Test(arguments: [RestoreStrategy.staged, .inPlace])
  func `a target that has written nothing has its former disk again`(
    _ strategy: RestoreStrategy
  ) async throws {
    let (job, held) = try await Self.outcome(writes: false, strategy)
    #expect(job.failure?.left == .rolledBack, "\(job)")
    #expect(job.failure?.code == .startFailedRolledBack)
    #expect(held == World.disk("abcd"))
  }
}
