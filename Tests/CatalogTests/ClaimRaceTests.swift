import Catalog
import Model
import TestSupport
import Testing

/// Two handles of one file are what two processes have.
@Suite(.scratchDirectory)
struct ClaimRaceTests {
  private var path: String { "\(ScratchDirectory.path)/catalog.sqlite" }

  /// Waits longer than a server does: what is tried is who wins, not how fast the disk is.
  private func open() throws -> SQLiteCatalog {
    try SQLiteCatalog(path: path, busyTimeout: .seconds(60))
  }

  @Test func `of many that claim one job at once only one gets it`() async throws {
    let fixture = CatalogFixture(catalog: try open())
    _ = try await fixture.job()
    let rival = try open()
    let now = fixture.clock.now()
    let claims = try await withThrowingTaskGroup(of: Bool.self) { group in
      for number in 0..<20 {
        let catalog = number.isMultiple(of: 2) ? fixture.catalog : rival
        group.addTask {
          try await catalog.write { transaction in
            try transaction.claimJob(
              node: CatalogFixture.node,
              token: "\(number)",
              now: now,
              leaseUntil: now.advanced(by: .seconds(30))
            ) != nil
          }
        }
      }
      return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
    }
    #expect(claims == 1)
  }

  @Test func `a hundred jobs between two handles are claimed once each`() async throws {
    let fixture = CatalogFixture(catalog: try open())
    let client = try await fixture.client()
    var jobs: Set<JobID> = []
    for _ in 0..<100 { jobs.insert(try await fixture.job(of: fixture.vps(of: client)).id) }
    let rival = CatalogFixture(catalog: try open())
    let claimed = try await withThrowingTaskGroup(of: [JobID].self) { group in
      for fixture in [fixture, rival] {
        group.addTask {
          var own: [JobID] = []
          while let lease = try await fixture.claim("\(own.count)") { own.append(lease.jobID) }
          return own
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    #expect(claimed.count == 100)
    #expect(Set(claimed) == jobs)
  }
}
