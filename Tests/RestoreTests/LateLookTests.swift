import Foundation
import Hypervisor
import Model
import Operations
import TestSupport
import Testing

@testable import Restore

/// What is looked at again after a restore was accepted: before its stop, under the locks of the
/// exchange, and after its start.
@Suite(.scratchDirectory, .timeLimit(.minutes(3)))
struct LateLookTests {
  private typealias World = SimulatedWorld
  private typealias Operation = SimulatedHypervisor.Operation

  /// What somebody does to a target meanwhile.
  enum Meddling: String, CaseIterable {
    case savedState, snapshot, job

    func meddle(with machine: inout SimulatedHypervisor.Machine) {
      switch self {
      case .savedState: machine.description.hasManagedSave = true
      case .snapshot: machine.description.snapshotCount = 1
      case .job: machine.description.activeJob = .blockJob(disk: "vda")
      }
    }

    var reason: NotReadyReason {
      switch self {
      case .savedState: .savedState
      case .snapshot: .snapshots
      case .job: .blockJob
      }
    }
  }

  private static let held = World.disk("abcd")
  private static let wanted = World.disk("abXd")

  private static func asked(_ world: SimulatedWorld) async -> [Operation] {
    await world.host.calls.map(\.operation)
  }

  @Test(arguments: Meddling.allCases)
  func `what is wrong with a target under the exchange's locks keeps its disk where it is`(
    _ meddling: Meddling
  ) async throws {
    // One that was off: nothing starts it again, which would end the saved state.
    try await World.with(holding: Self.held, isRunning: false, attempts: 1) { world in
      let backup = try await world.backup(of: Self.wanted)
      let (host, name) = (world.host, world.target.domainName)
      world.hooks.at(.afterStop) { try? await host.change(name) { meddling.meddle(with: &$0) } }
      let job = try await world.restore(backup, .staged)
      #expect(job.failure?.code == .vpsNotReady, "\(job)")
      #expect(job.failure?.detail.hasPrefix(meddling.reason.sentence) == true)
      #expect(try world.contents == Self.held)
      let hasSaved = try await host.change(name) { $0.description.hasManagedSave }
      #expect(hasSaved == (meddling == .savedState))
      #expect(await !Self.asked(world).contains(.start))
    }
  }

  @Test(arguments: Meddling.allCases)
  func `what is wrong with a target before its stop leaves it running`(
    _ meddling: Meddling
  ) async throws {
    try await World.with(holding: Self.held, attempts: 1) { world in
      let backup = try await world.backup(of: Self.wanted)
      let (host, name) = (world.host, world.target.domainName)
      world.hooks.at(.duringVerify) { try? await host.change(name) { meddling.meddle(with: &$0) } }
      let job = try await world.restore(backup, .staged)
      #expect(job.failure?.code == .vpsNotReady, "\(job)")
      #expect(job.failure?.left == .untouched)
      #expect(try world.contents == Self.held)
      let asked = await Self.asked(world)
      #expect(!asked.contains(.requestShutdown))
      #expect(!asked.contains(.destroy))
    }
  }

  @Test func `a target whose disk is another one by then is left running`() async throws {
    try await World.with(holding: Self.held, attempts: 1) { world in
      let backup = try await world.backup(of: Self.wanted)
      let (host, name) = (world.host, world.target.domainName)
      let other = "\(world.folder)/other.raw"
      try Data(Self.held).write(to: URL(filePath: other))
      world.hooks.at(.duringVerify) {
        try? await host.change(name) { machine in
          let disk = DomainDisk(targetDevice: "vda", sourcePath: other)
          machine.description.definition.disks = [disk]
          machine.description.definition.inactiveDisks = [disk]
        }
      }
      let job = try await world.restore(backup, .staged)
      #expect(job.failure?.code == .vpsNotReady, "\(job)")
      #expect(try world.contents == Self.held)
      #expect(await !Self.asked(world).contains(.requestShutdown))
    }
  }

  @Test func `a target that doesn't obey is destroyed gracefully first`() async throws {
    let world = try await World.make(holding: Self.held)
    let name = world.target.domainName
    try await world.host.change(name) { machine in
      machine.ignoresACPI = true
      machine.hasAgent = false
    }
    let backup = try await world.backup(of: Self.wanted)
    try await world.working {
      let job = try await world.restore(backup, .staged)
      #expect(job.state == .completed, "\(job)")
      let destroyed = await world.host.calls.filter { $0.operation == .destroy }.map(\.detail)
      #expect(destroyed == ["graceful"])
    }
  }

  @Test func `a target that comes up on a chain is nobody's to exchange back`() async throws {
    try await World.with(holding: Self.held, attempts: 1) { world in
      let backup = try await world.backup(of: Self.wanted)
      let (host, name, path) = (world.host, world.target.domainName, world.disk)
      world.hooks.at(.beforeStart) {
        await host.setBeforeEach { call in
          guard call.operation == .domain else { return }
          _ = try? await host.change(name) { machine in
            guard machine.description.state.isActive else { return }
            machine.description.definition.disks = [
              DomainDisk(targetDevice: "vda", sourcePath: path, backingPath: "/srv/base.raw")
            ]
          }
        }
      }
      let job = try await world.restore(backup, .staged)
      await host.setBeforeEach(nil)
      #expect(job.failure?.left == .needsOperator, "\(job)")
      #expect(job.failure?.detail.contains("backing file") == true)
      #expect(try world.contents == Self.wanted)
    }
  }

  @Test func `a half written disk whose target is undefined is put back when it is there again`()
    async throws
  {
    try await World.with(holding: Self.held) { world in
      let backup = try await world.backup(of: Self.wanted)
      let (host, name) = (world.host, world.target.domainName)
      await host.setFault(.failOnce(.refused(operation: "start", message: "no")), of: .start)
      let isOver = Flag()
      await host.setBeforeEach { call in
        guard call.operation == .domain, !isOver.isRaised else { return }
        guard await host.calls.contains(where: { $0.operation == .start }) else { return }
        isOver.raise()
        // For this one look it is gone.
        await host.setFault(.failOnce(.domainMissing(name)), of: .domain)
      }
      let job = try await world.restore(backup, .inPlace)
      #expect(isOver.isRaised)
      #expect(job.failure?.left == .rolledBack, "\(job)")
      #expect(try world.contents == Self.held)
      #expect(world.logs().isEmpty)
    }
  }
}
