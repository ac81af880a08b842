import Catalog
import Foundation
import Hypervisor
import Model
import TestSupport
import Testing

@testable import Restore

/// What a firmware stores outside the disks goes back with the disks that it belongs to.
@Suite(.scratchDirectory, .timeLimit(.minutes(3)))
struct NVRAMTests {
  private typealias World = SimulatedWorld

  /// A firmware that stores which disk it has booted.
  private struct Firmware: GuestPower {
    let path: String

    func willStart(_ domain: DomainDescription) throws(HypervisorError) {
      let disk = domain.inactiveDisks.first?.sourcePath
      let first = disk.flatMap { FileManager.default.contents(atPath: $0)?.prefix(4) } ?? Data()
      _ = FileManager.default.createFile(atPath: path, contents: Data("booted ".utf8) + first)
    }

    func didStop(_ domain: DomainDescription, isSudden: Bool) {}
  }

  private static let held = World.disk("abcd")
  private static let wanted = World.disk("XYZd")

  private static func world(isRunning: Bool = true) async throws -> SimulatedWorld {
    let world = try await World.make(holding: held, isRunning: isRunning)
    let path = path(of: world)
    try Data("former".utf8).write(to: URL(filePath: path))
    try await world.host.change(world.target.domainName) {
      $0.description.definition.nvramPath = path
    }
    await world.host.setPower(Firmware(path: path))
    return world
  }

  private static func path(of world: SimulatedWorld) -> String { "\(world.folder)/VARS.fd" }

  private static func stored(_ world: SimulatedWorld) -> String? {
    FileManager.default.contents(atPath: path(of: world))
      .map { String(decoding: $0, as: UTF8.self) }
  }

  @Test(arguments: [RestoreStrategy.staged, .inPlace])
  func `an undo brings back what the firmware had stored`(
    _ strategy: RestoreStrategy
  ) async throws {
    // One that is off: its own start would write over what is put back.
    let world = try await Self.world(isRunning: false)
    let backup = try await world.backup(of: Self.wanted)
    try await world.working {
      let job = try await world.restore(backup, strategy)
      #expect(job.state == .completed, "\(job)")
      #expect(Self.stored(world) == "former")
      try await world.host.start(world.reference)
      try await world.host.destroy(world.reference, graceful: true)
      #expect(Self.stored(world) == "booted XXXX")
      let undo = try await world.undo(job)
      #expect(undo.state == .completed, "\(undo)")
      #expect(try world.contents == Self.held)
      #expect(Self.stored(world) == "former")
      #expect(world.logs().isEmpty)
    }
  }

  @Test(arguments: [RestoreStrategy.staged, .inPlace])
  func `a rollback brings back what the firmware had stored`(
    _ strategy: RestoreStrategy
  ) async throws {
    let world = try await Self.world()
    let backup = try await world.backup(of: Self.wanted)
    // The first start fails, with the firmware's doing there; that of the former disk as well.
    await world.host.setFault(
      .failAlways(.refused(operation: "start", message: "no")),
      of: .start
    )
    let path = Self.path(of: world)
    world.hooks.at(.beforeStart) {
      _ = FileManager.default.createFile(atPath: path, contents: Data("booted XXXX".utf8))
    }
    try await world.working(attempts: 1) {
      let job = try await world.restore(backup, strategy)
      #expect(job.failure?.left == .rolledBackNotRunning, "\(job)")
      #expect(try world.contents == Self.held)
      #expect(Self.stored(world) == "former")
      #expect(world.logs().isEmpty)
    }
  }

  @Test func `what was kept goes when the undo's time is over`() async throws {
    let world = try await Self.world()
    let backup = try await world.backup(of: Self.wanted)
    try await world.working {
      let job = try await world.restore(backup, .staged)
      #expect(job.state == .completed, "\(job)")
      #expect(world.logs() == ["\(job.id)-1.nvram"])
    }
    let until = try #require(try await world.undoRecord()?.until)
    await world.removeExpired(at: until.advanced(by: .seconds(1)))
    #expect(world.logs().isEmpty)
    #expect(Self.stored(world) == "booted XXXX")
  }

  @Test func `a target whose firmware's file can't be kept isn't stopped`() async throws {
    let world = try await Self.world()
    let backup = try await world.backup(of: Self.wanted)
    let path = Self.path(of: world)
    try FileManager.default.removeItem(atPath: path)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try await world.working(attempts: 1) {
      let job = try await world.restore(backup, .staged)
      #expect(job.failure?.left == .untouched, "\(job)")
      #expect(try world.contents == Self.held)
      let asked = await world.host.calls.map(\.operation)
      #expect(!asked.contains(.requestShutdown))
    }
  }
}
