import Foundation
import Hypervisor
import Model
import Testing

import TestSupport

/// libvirt away, back, hanging: each test has one of its own to treat badly.
@Suite struct ConnectionTests {
  @Test func `libvirt is lost in the middle, down at a start, and back again`() async throws {
    try await withPrivateLibvirt { libvirt in
      let hypervisor = libvirt.hypervisor()
      let guest = try await MicroGuest.define(on: libvirt)
      try await guest.boot()
      var events = hypervisor.events().makeAsyncIterator()
      #expect(try await hypervisor.state(of: guest.reference) == .running)

      // What is written to a daemon that just died would end us.
      #expect(raise(SIGPIPE) == 0)
      try await libvirt.killDaemon()
      let late = libvirt.hypervisor()
      for hypervisor in [hypervisor, late, hypervisor] {
        let problem = await #expect(throws: HypervisorError.self) {
          try await hypervisor.state(of: guest.reference)
        }
        #expect(problem?.isUnavailable == true)
        #expect(problem?.isTransient == true)
      }

      try await libvirt.restartDaemon()
      // The guest never noticed, and both see it again without being told to.
      #expect(try await hypervisor.state(of: guest.reference) == .running)
      #expect(try await late.domainNames() == [guest.name])
      #expect(await events.next()?.kind == .resynchronize)

      try await hypervisor.destroy(guest.reference, graceful: true)
      var event = await events.next()
      while event?.kind == .stopping { event = await events.next() }
      #expect(event == DomainEvent(domain: guest.reference, kind: .stopped))
      try await libvirt.virsh("undefine", guest.name)
      #expect(await events.next() == DomainEvent(domain: guest.reference, kind: .undefined))
      await #expect(throws: HypervisorError.domainMissing(guest.name)) {
        try await hypervisor.domain(guest.reference)
      }
      await #expect(throws: HypervisorError.domainMissing(guest.name)) {
        try await hypervisor.waitUntil(guest.reference, is: [.running], within: .seconds(5))
      }
    }
  }

  @Test func `a wait outlives a libvirt that comes back in time`() async throws {
    try await withPrivateLibvirt { libvirt in
      let hypervisor = libvirt.hypervisor()
      let guest = try await MicroGuest.define(on: libvirt)
      try await libvirt.killDaemon()
      async let state = hypervisor.waitUntil(
        guest.reference,
        is: [.stopped],
        within: .seconds(60)
      )
      try await libvirt.restartDaemon()
      #expect(try await state == .stopped)
    }
  }

  @Test func `no call waits for ever for a libvirt that hangs`() async throws {
    try await withPrivateLibvirt { libvirt in
      let hypervisor = libvirt.hypervisor()
      let guest = try await MicroGuest.define(on: libvirt)
      #expect(try await hypervisor.state(of: guest.reference) == .stopped)
      try await libvirt.signalDaemon("STOP")
      let begin = ContinuousClock.now
      let problem = await #expect(throws: HypervisorError.self) {
        try await hypervisor.waitUntil(guest.reference, is: [.stopped], within: .seconds(1))
      }
      #expect(problem?.isTransient == true)
      #expect(ContinuousClock.now - begin < .seconds(20))
      try await libvirt.signalDaemon("CONT")
      #expect(try await hypervisor.state(of: guest.reference) == .stopped)
    }
  }

  @Test func `a libvirt that hangs keeps no thread from the calls of another`() async throws {
    try await withPrivateLibvirt { libvirt in
      let guest = try await MicroGuest.define(on: libvirt)
      let hung = (0..<16).map { _ in libvirt.hypervisor() }
      for hypervisor in hung { _ = try await hypervisor.state(of: guest.reference) }
      let other = try await PrivateLibvirt.shared().hypervisor()
      _ = try await other.hostInformation()

      try await libvirt.signalDaemon("STOP")
      await withTaskGroup { group in
        for hypervisor in hung {
          group.addTask {
            await #expect(throws: HypervisorError.timedOut(operation: "usage")) {
              try await hypervisor.usage(of: guest.reference, within: .milliseconds(500))
            }
          }
        }
      }
      // Their callers have gone, the calls still have their threads.
      _ = try await other.hostInformation()
      try await libvirt.signalDaemon("CONT")
    }
  }

  @Test func `one machine that hangs doesn't keep others from being looked at`() async throws {
    try await withPrivateLibvirt { libvirt in
      let hypervisor = LibvirtHypervisor(uri: libvirt.uri, logger: .quiet, width: 2)
      let hung = try await MicroGuest.define(on: libvirt)
      let other = try await MicroGuest.define(on: libvirt)
      try await hung.boot()
      let before = try await hypervisor.usage(of: hung.reference, within: .seconds(20))
      #expect(before.state == .running)
      try await TestProcess.run("pkill", ["-STOP", "-f", "qemu.*\(hung.uuid)"])
      for _ in 0..<4 {
        await #expect(throws: HypervisorError.timedOut(operation: "usage")) {
          try await hypervisor.usage(of: hung.reference, within: .seconds(1))
        }
      }
      #expect(
        try await hypervisor.usage(of: other.reference, within: .seconds(20)).state == .stopped
      )
      try await TestProcess.run("pkill", ["-CONT", "-f", "qemu.*\(hung.uuid)"])
      // It is looked at again as soon as libvirt has answered.
      var state: DomainState?
      let deadline = ContinuousClock.now + .seconds(60)
      while state == nil, ContinuousClock.now < deadline {
        state = try? await hypervisor.usage(of: hung.reference, within: .seconds(5)).state
      }
      #expect(state == .running)
    }
  }

  @Test func `the host tells its name and versions`() async throws {
    let hypervisor = try await PrivateLibvirt.shared().hypervisor()
    let information = try await hypervisor.hostInformation()
    #expect(!information.hostname.isEmpty)
    let printed = try await PrivateLibvirt.shared().virsh("version")
    #expect(printed.contains("libvirt \(information.libvirtVersion)"))
    let qemu = try #require(information.qemuVersion)
    #expect(printed.contains("QEMU \(qemu)"))
    await #expect(throws: HypervisorError.domainMissing("nobody")) {
      try await hypervisor.domain(DomainReference(name: "nobody"))
    }
    await #expect(throws: HypervisorError.domainMissing("renamed")) {
      try await hypervisor.start(
        DomainReference(name: "renamed", uuid: "00000000-0000-0000-0000-000000000001")
      )
    }
  }

  @Test func `a wait ends with the event, not with the next look`() async throws {
    try await withMicroGuest { guest in
      let hypervisor = guest.libvirt.hypervisor()
      async let state = hypervisor.waitUntil(
        guest.reference,
        is: [.running],
        within: .seconds(60)
      )
      try await guest.libvirt.virsh("start", guest.name)
      #expect(try await state == .running)
      try await guest.libvirt.virsh("suspend", guest.name)
      #expect(try await hypervisor.state(of: guest.reference) == .paused)
      try await hypervisor.resume(guest.reference)
      #expect(try await hypervisor.state(of: guest.reference) == .running)
    }
  }

  @Test func `a private libvirt leaves nothing behind, even if its owner is killed`()
    async throws
  {
    let libvirt = try await PrivateLibvirt.start()
    let guest = try await MicroGuest.define(on: libvirt)
    try await libvirt.virsh("start", guest.name)
    await libvirt.stop()
    #expect(!FileManager.default.fileExists(atPath: libvirt.folder))
    #expect(try await processes(naming: libvirt.folder) == "")

    // An owner that dies without a word while something else still holds the pipe open.
    let folder = "\(FileManager.default.temporaryDirectory.path)/rh-killed"
    let owner = """
      mkfifo $0.pipe; exec 3<>$0.pipe; rm $0.pipe; \(PrivateLibvirt.script) guard $0 <&3 >$0.out &
      until grep -q qemu $0.out; do sleep 0.1; done; rm $0.out; kill -KILL $$
      """
    await #expect(throws: TestProcess.Failure.self) {
      try await TestProcess.run("bash", ["-c", owner, folder])
    }
    let deadline = ContinuousClock.now + .seconds(30)
    while FileManager.default.fileExists(atPath: folder), ContinuousClock.now < deadline {
      try await Task.sleep(for: .milliseconds(100))
    }
    #expect(!FileManager.default.fileExists(atPath: folder))
    #expect(try await processes(naming: folder) == "")
  }

  private func processes(naming folder: String) async throws -> String {
    let text =
      "for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline | grep -F -- \"$0/\" | "
      + "grep -E '^(/usr/bin/)?(libvirtd|qemu)'; done 2>/dev/null; true"
    return try await TestProcess.run("bash", ["-c", text, folder])
  }
}

extension HypervisorError {
  fileprivate var isUnavailable: Bool {
    guard case .unavailable = self else { return false }
    return true
  }
}
