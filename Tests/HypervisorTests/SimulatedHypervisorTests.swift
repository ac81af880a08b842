import Hypervisor
import Model
import Testing

import TestSupport

struct SimulatedHypervisorTests {
  private let reference = DomainReference(name: "a", uuid: "u-1")

  private func host(
    state: DomainState = .running,
    _ change: (inout SimulatedHypervisor.Machine) -> Void = { _ in }
  ) -> SimulatedHypervisor {
    let definition = DomainXML(
      name: "a",
      uuid: "u-1",
      disks: [DomainDisk(targetDevice: "vda", sourcePath: "/a.img")]
    )
    var machine = SimulatedHypervisor.Machine(
      DomainDescription(name: "a", uuid: "u-1", state: state, definition: definition)
    )
    change(&machine)
    return SimulatedHypervisor([machine])
  }

  @Test func `a guest obeys, and one that doesn't keeps running until it is destroyed`()
    async throws
  {
    let obedient = host()
    try await obedient.requestShutdown(of: reference, by: .acpi)
    #expect(try await obedient.state(of: reference) == .stopped)

    let deaf = host {
      $0.ignoresACPI = true
      $0.hasAgent = false
    }
    #expect(try await deaf.requestShutdown(of: reference) == .acpi)
    await #expect(throws: HypervisorError.timedOut(operation: "wait")) {
      try await deaf.waitUntil(reference, is: [.stopped], within: .seconds(60))
    }
    try await deaf.destroy(reference, graceful: true)
    #expect(try await deaf.state(of: reference) == .stopped)
    let operations = await deaf.calls.map(\.operation)
    #expect(operations == [.domain, .requestShutdown, .waitUntil, .destroy, .state])
  }

  @Test func `faults come as often as the script says`() async throws {
    let refusal = HypervisorError.refused(operation: "start", message: "no")
    let host = host(state: .stopped)
    await host.setFault(.failOnce(refusal), of: .start)
    await #expect(throws: refusal) { try await host.start(reference) }
    #expect(try await host.state(of: reference) == .stopped)
    try await host.start(reference)

    await host.setFault(.failAlways(.unavailable("gone")), of: .state)
    for _ in 0..<2 {
      await #expect(throws: HypervisorError.unavailable("gone")) {
        try await host.state(of: reference)
      }
    }
    await host.clearFault(of: .state)
    #expect(try await host.state(of: reference) == .running)

    await host.setFault(.loseAnswer(.timedOut(operation: "destroy")), of: .destroy)
    await #expect(throws: HypervisorError.timedOut(operation: "destroy")) {
      try await host.destroy(reference, graceful: true)
    }
    #expect(try await host.state(of: reference) == .stopped)
  }

  @Test func `a call hangs until it is let go`() async throws {
    let host = host()
    await host.setFault(.hang, of: .requestShutdown)
    async let request: Void = host.requestShutdown(of: reference, by: .acpi)
    while await host.calls.isEmpty { await Task.yield() }
    #expect(try await host.state(of: reference) == .running)
    await host.clearFault(of: .requestShutdown)
    try await request
    #expect(try await host.state(of: reference) == .stopped)
  }

  @Test func `a domain that disappears is missing from then on`() async throws {
    let host = host()
    await host.remove("a")
    await #expect(throws: HypervisorError.domainMissing("a")) {
      try await host.domain(reference)
    }
  }

  @Test func `devices change the definition, and what runs only at the next start`() async throws {
    let host = host()
    let seed = """
      <disk type='file' device='cdrom'><source file='/seed.iso'/><target dev='sdz' bus='sata'/>\
      <readonly/></disk>
      """
    try await host.attachDevice(reference, xml: seed)
    var description = try await host.domain(reference)
    #expect(description.disks.count == 1)
    #expect(description.inactiveDisks.map(\.targetDevice) == ["vda", "sdz"])
    #expect(!description.definitionsAgree)
    try await host.destroy(reference, graceful: true)
    try await host.updateDevice(
      reference,
      xml: seed.replacing("/seed.iso", with: "/other.iso")
    )
    try await host.start(reference)
    description = try await host.domain(reference)
    #expect(description.disks.last?.sourcePath == "/other.iso")
    #expect(description.definitionsAgree)
    await #expect(throws: HypervisorError.self) {
      try await host.detachDevice(reference, xml: seed.replacing("sdz", with: "sdy"))
    }
    try await host.detachDevice(reference, xml: seed)
    #expect(try await host.domain(reference).inactiveDisks.count == 1)
  }
}
