import enum Model.RestoreStrategy
import Simulation
import Testing

/// A few of the seeds of `make simulate`, and what a seed promises.
struct SeedTests {
  @Test(arguments: Scope.allCases)
  func `whatever happens the target is whole and the job tells the truth`(
    _ scope: Scope
  ) async throws {
    let first = UInt64(scope.rawValue) * 1000
    var complaints: [String] = []
    let total = try await SeedSeries.run(first..<first + 70, scope: scope) { report, _ in
      complaints += report.complaints.map { "make simulate SEED=\(report.seed): \($0)" }
    }
    #expect(complaints == [])
    #expect(total.crashes > 20, "the seeds let too little happen to say anything")
    #expect((total.endings["completed "] ?? 0) > 20)
  }

  @Test(arguments: CrashSweep.routes.indices)
  func `any effect can be the last of its worker`(_ number: Int) async throws {
    let route = CrashSweep.routes[number]
    for end in [Happening.killed, .powerLost] {
      let found = try await CrashSweep.run(route, end, from: number + 1, by: 13)
      #expect(found.complaints == [])
      #expect(found.places > 3)
    }
  }

  @Test(arguments: CrashSweep.routes.indices)
  func `a worker that is overtaken at any effect harms nothing`(_ number: Int) async throws {
    let route = CrashSweep.routes[number]
    let found = try await CrashSweep.run(route, .frozen, from: number + 1, by: 13)
    #expect(found.complaints == [])
    #expect(found.places > 3)
  }

  @Test(arguments: CrashSweep.routes.indices)
  func `a libvirt that hangs in any call, and does it later, harms nothing`(
    _ number: Int
  ) async throws {
    let route = CrashSweep.routes[number]
    let found = try await CrashSweep.run(route, .hung(seconds: 100), from: number + 1, by: 19)
    #expect(found.complaints == [])
  }

  @Test(arguments: [6, 13])
  func `a disk that insists on its address has links set down, and the next one up`(
    _ seed: UInt64
  ) async throws {
    let restore = Act(.restore(.staged, startsWhenOff: false))
    let report = try await SeedRun.run(
      seed,
      isRunning: true,
      acts: [restore, Act(.undo)],
      isTraced: true
    )
    #expect(report.complaints == [])
    let calls = report.trace.filter { $0.contains("setLink") }
    #expect(calls.contains { $0.contains("down persistently") }, "\(calls)")
    #expect(calls.contains { $0.contains("up persistently") }, "\(calls)")
  }

  @Test(arguments: [3, 1003, 2003])
  func `a seed always does the same`(_ seed: UInt64) async throws {
    let first = try await SeedRun.run(seed, isTraced: true)
    let second = try await SeedRun.run(seed, isTraced: true)
    #expect(first.trace.count > 50)
    #expect(first == second)
  }
}
