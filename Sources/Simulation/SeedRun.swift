import Disks
import Foundation
import TestSupport

/// What came of one seed.
package struct SeedReport: Sendable, Equatable {
  /// The seed.
  package let seed: UInt64
  /// How often a worker or a host died.
  package var crashes = 0
  /// How much of what was planned has happened.
  package var happenings = 0
  /// Whether a target was neither what it was nor what it should become.
  package var isMixedOrLost = false
  /// How many jobs were done, by how they ended.
  package var endings: [String: Int] = [:]
  /// What is wrong, as sentences; none: nothing.
  package var complaints: [String] = []
  /// What happened, if that was asked for.
  package var trace: [String] = []
}

/// Plays one seed: makes a world, accepts its jobs one after the other, and judges after each.
package enum SeedRun {
  /// Plays `seed` in a folder of its own, which is removed.
  ///
  /// - Parameters:
  ///   - seed: What decides everything.
  ///   - scope: What may happen.
  ///   - isRunning: Whether the target runs; nil: as the seed says.
  ///   - acts: The jobs and what happens during each; nil: as the seed says.
  ///   - isTraced: Whether to keep what happened.
  /// - Returns: What came of it.
  /// - Throws: Whatever kept the world from being made, which no seed does.
  package static func run(
    _ seed: UInt64,
    scope: Scope = .everything,
    isRunning: Bool? = nil,
    acts: [Act]? = nil,
    isTraced: Bool = false
  ) async throws -> SeedReport {
    let files = FileManager.default
    // In memory where there is such a place: nothing here must outlive the process.
    let root = files.isWritableFile(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()
    let folder = "\(root)/rehome-sim-\(UUID().uuidString.prefix(13).lowercased())"
    try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? files.removeItem(atPath: folder) }
    let trace = Trace(isWanted: isTraced, folder: folder)
    let scenario = Scenario(seed: seed, scope: scope, isRunning: isRunning, acts: acts)
    let world = try World(scenario: scenario, seed: seed, folder: folder, trace: trace)
    let executor = world.course.executor
    var report = try await withTaskExecutorPreference(executor) {
      try await FileSimulation.$observer.withValue(Bystander(executor: executor)) {
        try await Play.run(seed, in: world)
      }
    }
    // They hold the world, which holds the course.
    world.course.setDeeds { _, _ in }
    world.course.setBreath(nil)
    // It holds the hypervisor, which holds it.
    await world.hypervisor.setChooser(nil)
    report.trace = trace.lines
    report.complaints = report.complaints.map(trace.settled)
    return report
  }
}
