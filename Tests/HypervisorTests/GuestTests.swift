import Foundation
import Hypervisor
import Model
import Testing

import TestSupport

/// Real guests on a real libvirt: their life and what is told of it.
struct GuestTests {
  @Test func `a domain is described stopped and running`() async throws {
    var options = MicroGuest.Options()
    options.mac = "52:54:00:aa:10:01"
    try await withMicroGuest(options) { guest in
      let hypervisor = guest.libvirt.hypervisor()
      let stopped = try await hypervisor.domain(guest.reference)
      #expect(stopped.name == guest.name)
      #expect(stopped.uuid == guest.uuid)
      #expect(stopped.state == .stopped)
      #expect(stopped.isPersistent)
      #expect(!stopped.hasAutostart)
      #expect(!stopped.hasManagedSave)
      #expect(stopped.snapshotCount == 0)
      #expect(stopped.checkpointNames.isEmpty)
      #expect(stopped.activeJob == nil)
      #expect(stopped.liveXML == nil)
      #expect(stopped.definitionsAgree)
      #expect(stopped.firmware == .bios)
      #expect(stopped.memoryBytes == 256 << 20)
      #expect(stopped.disks.map(\.sourcePath) == [guest.diskPath])
      #expect(stopped.interfaces.map(\.mac) == ["52:54:00:aa:10:01"])
      #expect(stopped.hasAgentChannel)
      #expect(try await hypervisor.domainNames().contains(guest.name))

      try await hypervisor.start(guest.reference)
      try await guest.waitUntilReady()
      // By name alone it is the same one.
      let running = try await hypervisor.domain(DomainReference(name: guest.name))
      #expect(running.state == .running)
      #expect(running.liveXML != nil)
      #expect(running.definitionsAgree)
      #expect(running.isAgentConnected)
      #expect(running.activeJob == nil)
    }
  }

  @Test func `an agent shuts its guest down, and what it wrote is there at the next start`()
    async throws
  {
    try await withMicroGuest { guest in
      let hypervisor = guest.libvirt.hypervisor()
      try await guest.boot()
      try await guest.write("kept", to: "/data/marker")
      #expect(try await hypervisor.requestShutdown(of: guest.reference) == .agent)
      let state = try await hypervisor.waitUntil(
        guest.reference,
        is: [.stopped],
        within: .seconds(60)
      )
      #expect(state == .stopped)
      try await hypervisor.start(guest.reference)
      try await guest.waitUntilReady()
      #expect(try await guest.read("/data/marker") == "kept")
    }
  }

  @Test func `a guest without agent is shut down by the power button`() async throws {
    var options = MicroGuest.Options()
    options.kernelArguments = ["noagent"]
    try await withMicroGuest(options) { guest in
      let hypervisor = guest.libvirt.hypervisor()
      try await guest.boot()
      await #expect(throws: HypervisorError.agentUnavailable) {
        try await hypervisor.agentPing(guest.reference, timeout: .seconds(1))
      }
      #expect(try await hypervisor.requestShutdown(of: guest.reference) == .acpi)
      try await hypervisor.waitUntil(guest.reference, is: [.stopped], within: .seconds(60))
    }
  }

  @Test func `a guest that ignores every request is destroyed after a bounded wait`()
    async throws
  {
    var options = MicroGuest.Options()
    options.kernelArguments = ["noagent", "noacpi"]
    try await withMicroGuest(options) { guest in
      let hypervisor = guest.libvirt.hypervisor()
      try await guest.boot()
      try await hypervisor.requestShutdown(of: guest.reference)
      let begin = ContinuousClock.now
      await #expect(throws: HypervisorError.timedOut(operation: "wait")) {
        try await hypervisor.waitUntil(guest.reference, is: [.stopped], within: .seconds(2))
      }
      #expect(ContinuousClock.now - begin < .seconds(20))
      try await hypervisor.destroy(guest.reference, graceful: true)
      #expect(try await hypervisor.state(of: guest.reference) == .stopped)
    }
  }

  @Test func `a start boots afresh even over a saved memory image`() async throws {
    try await withMicroGuest { guest in
      let hypervisor = guest.libvirt.hypervisor()
      try await guest.boot()
      try await guest.shell("echo in-memory >/run/only-in-memory")
      try await guest.libvirt.virsh("managedsave", guest.name)
      #expect(try await hypervisor.domain(guest.reference).hasManagedSave)
      try await hypervisor.start(guest.reference)
      // A resumed guest prints nothing; a booted one says so, and has forgotten.
      try await guest.waitUntilReady()
      #expect(try await guest.shell("ls /run").contains("only-in-memory") == false)
      #expect(try await hypervisor.domain(guest.reference).hasManagedSave == false)

      try await guest.libvirt.virsh("managedsave", guest.name)
      try await hypervisor.removeManagedSave(guest.reference)
      #expect(try await hypervisor.domain(guest.reference).hasManagedSave == false)
      try await hypervisor.removeManagedSave(guest.reference)
    }
  }

  @Test func `the agent freezes, thaws and tells addresses`() async throws {
    var options = MicroGuest.Options()
    options.mac = "52:54:00:AA:10:02"
    options.address = "10.77.0.11/24"
    try await withMicroGuest(options) { guest in
      let hypervisor = guest.libvirt.hypervisor()
      await #expect(throws: HypervisorError.agentUnavailable) {
        try await hypervisor.freeze(guest.reference, timeout: .seconds(2))
      }
      try await guest.boot()
      try await hypervisor.agentPing(guest.reference, timeout: .seconds(5))
      let cards = try await hypervisor.addresses(of: guest.reference)
      let card = try #require(cards.first { $0.mac == "52:54:00:aa:10:02" })
      #expect(card.name == "eth0")
      #expect(card.addresses.contains("10.77.0.11/24"))

      #expect(try await hypervisor.freezeStatus(of: guest.reference) == .thawed)
      #expect(try await hypervisor.freeze(guest.reference, timeout: .seconds(10)) == 1)
      #expect(try await hypervisor.freezeStatus(of: guest.reference) == .frozen)
      // A frozen agent obeys no shutdown; the request still ends, and goes the other way.
      await #expect(throws: HypervisorError.self) {
        try await hypervisor.requestShutdown(of: guest.reference, by: .agent)
      }
      #expect(try await hypervisor.thaw(guest.reference) == 1)
      #expect(try await hypervisor.freezeStatus(of: guest.reference) == .thawed)
    }
  }

  @Test func `a card's cable is pulled at once, and for later only if asked`() async throws {
    let mac = "52:54:00:aa:10:03"
    var options = MicroGuest.Options()
    options.mac = mac
    options.address = "10.77.0.12/24"
    try await withMicroGuest(options) { guest in
      let hypervisor = guest.libvirt.hypervisor()
      try await guest.boot()
      #expect(try await guest.read("/sys/class/net/eth0/carrier") == "1\n")
      try await hypervisor.setLink(of: guest.reference, mac: mac, up: false)
      #expect(try await guest.read("/sys/class/net/eth0/carrier") == "0\n")
      var description = try await hypervisor.domain(guest.reference)
      #expect(description.interfaces.map(\.linkUp) == [false])
      #expect(description.inactiveInterfaces.map(\.linkUp) == [true])
      #expect(description.definitionsAgree)

      try await hypervisor.setLink(
        of: guest.reference,
        mac: mac.uppercased(),
        up: true,
        persistently: false
      )
      #expect(try await guest.read("/sys/class/net/eth0/carrier") == "1\n")
      try await hypervisor.setLink(of: guest.reference, mac: mac, up: false, persistently: true)
      description = try await hypervisor.domain(guest.reference)
      #expect(description.inactiveInterfaces.map(\.linkUp) == [false])
      await #expect(throws: HypervisorError.self) {
        try await hypervisor.setLink(of: guest.reference, mac: "52:54:00:00:00:00", up: false)
      }
    }
  }
}
