import Hypervisor
import Model
import Synchronization
import TestSupport
import Testing

@testable import Backup

/// For how long a guest is frozen, whatever the hypervisor does meanwhile.
@Suite(.timeLimit(.minutes(1)))
struct FrozenSectionTests {
  private static let reference = DomainReference(name: "guest")

  private let clock = ManualClock()

  private func host() -> SimulatedHypervisor {
    let definition = DomainXML(name: "guest", uuid: "uuid", disks: [])
    return SimulatedHypervisor([
      SimulatedHypervisor.Machine(
        DomainDescription(name: "guest", uuid: "uuid", state: .running, definition: definition)
      )
    ])
  }

  private func begin(on host: SimulatedHypervisor) async -> FrozenSection.End<SessionStart> {
    await FrozenSection.run(
      bound: Limits.freezeBound,
      timer: clock.timer,
      thaw: { _ = try? await host.thaw(Self.reference) },
      body: { () async throws(HypervisorError) -> SessionStart in
        _ = try await host.freeze(Self.reference, timeout: Limits.freezeAnswer)
        return try await host.beginBackup(
          of: Self.reference,
          BackupRequest(socketPath: "", disks: [])
        )
      }
    )
  }

  private func isFrozen(on host: SimulatedHypervisor) async throws -> Bool {
    try await host.change("guest") { $0.isFrozen }
  }

  @Test func `a begin that hangs ends the freeze at its bound`() async throws {
    let host = host()
    await host.setFault(.hang, of: .beginBackup)
    async let end = begin(on: host)
    await clock.whenSleeping(1)
    while await !host.calls.contains(where: { $0.operation == .beginBackup }) { await Task.yield() }
    #expect(try await isFrozen(on: host))
    clock.advance(by: Limits.freezeBound)
    while try await isFrozen(on: host) { await Task.yield() }
    await host.clearFault(of: .beginBackup)
    let found = await end
    #expect(!found.isInTime)
    #expect(try found.result.get() == .begun)
  }

  @Test func `a begin in time leaves the thaw to who asked for it`() async throws {
    let host = host()
    let found = await begin(on: host)
    #expect(found.isInTime)
    #expect(try found.result.get() == .begun)
    #expect(try await isFrozen(on: host))
  }

  @Test func `whoever is cancelled while the begin hangs thaws at once`() async throws {
    let host = host()
    await host.setFault(.hang, of: .beginBackup)
    let found = await withTaskGroup(of: FrozenSection.End<SessionStart>.self) { group in
      group.addTask { await begin(on: host) }
      while await !host.calls.contains(where: { $0.operation == .beginBackup }) {
        await Task.yield()
      }
      group.cancelAll()
      while await !host.calls.contains(where: { $0.operation == .thaw }) { await Task.yield() }
      await host.clearFault(of: .beginBackup)
      return await group.next()
    }
    #expect(found?.isInTime == false)
    #expect(try await !isFrozen(on: host))
  }
}
