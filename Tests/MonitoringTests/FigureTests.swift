import Catalog
import CoreMetrics
import Foundation
import Model
import Monitoring
import TestSupport
import Testing

/// The figures of the process and of the catalog.
@Suite(.scratchDirectory) struct FigureTests {
  private func values(_ families: [MetricFamily]) -> [String: Double] {
    var found: [String: Double] = [:]
    for family in families {
      for sample in family.samples {
        found["\(family.name.rawValue)\(sample.suffix) \(sample.labels)"] = sample.value
      }
    }
    return found
  }

  @Test func `the process tells its processor time, memory, files and start`() throws {
    let found = values(ProcessFigures().families())
    #expect(found.count == 6)
    #expect(try #require(found["process_cpu_seconds_total "]) > 0)
    let resident = try #require(found["process_resident_memory_bytes "])
    let virtual = try #require(found["process_virtual_memory_bytes "])
    #expect(resident > 1_048_576 && resident < virtual)
    let open = try #require(found["process_open_fds "])
    let most = try #require(found["process_max_fds "])
    #expect(open >= 3 && open <= most)
    let now = Double(SystemWallClock().now().milliseconds) / 1000
    let start = try #require(found["process_start_time_seconds "])
    #expect(start < now && start > now - 86_400)
  }

  @Test func `a program's odd name doesn't shift its figures`() throws {
    let root = ScratchDirectory.path
    try FileManager.default.createDirectory(
      atPath: "\(root)/self/fd",
      withIntermediateDirectories: true
    )
    let fields = (3...24).map { field in
      switch field {
      case 14: "150"
      case 15: "50"
      case 22: "100"
      case 23: "4096000"
      case 24: "10"
      default: "7"
      }
    }
    try "1 (a) b) (c) S) \(fields.joined(separator: " "))\n"
      .write(toFile: "\(root)/self/stat", atomically: true, encoding: .utf8)
    try "cpu 1\nbtime 1000\n".write(toFile: "\(root)/stat", atomically: true, encoding: .utf8)
    let found = values(ProcessFigures(root: root).families())
    #expect(found["process_cpu_seconds_total "] == 2)
    #expect(found["process_virtual_memory_bytes "] == 4_096_000)
    #expect(found["process_start_time_seconds "] == 1001)
    #expect(found["process_open_fds "] == 0)
    #expect(found["process_max_fds "] == nil)
  }

  @Test func `the catalog tells its unfinished jobs, the oldest, workers and files`() async throws {
    let path = "\(ScratchDirectory.path)/catalog.sqlite"
    let registry = MetricRegistry()
    let catalog = MeasuredCatalog(try SQLiteCatalog(path: path), metrics: registry)
    // Without a version nothing that is read could be kept.
    #expect(catalog.version() != nil)
    let fixture = CatalogFixture(catalog: catalog)
    let figures = CatalogFigures(
      catalog: catalog,
      path: path,
      clock: fixture.clock,
      metrics: registry
    )
    try await figures.collect()
    #expect(values(registry.families())["rehome_job_queue_age_seconds "] == 0)
    _ = try await fixture.job()
    let now = fixture.clock.now()
    try await catalog.write { try $0.recordHeartbeat(node: CatalogFixture.node, at: now) }
    fixture.clock.advance(by: .milliseconds(1500))
    try await figures.collect()
    var found = values(registry.families())
    #expect(found[#"rehome_jobs kind="backup",state="queued""#] == 1)
    #expect(found[#"rehome_jobs kind="restore",state="queued""#] == 0)
    #expect(found["rehome_job_queue_age_seconds "] == 1.5)
    #expect(found[#"rehome_worker_heartbeat_age_seconds node="local""#] == 1.5)
    #expect(try #require(found[#"rehome_catalog_file_bytes file="database""#]) >= 4096)
    #expect(try #require(found[#"rehome_catalog_file_bytes file="wal""#]) > 0)
    // A job that somebody has isn't queued any more.
    _ = try await fixture.claim()
    try await figures.collect()
    found = values(registry.families())
    #expect(found[#"rehome_jobs kind="backup",state="queued""#] == 0)
    #expect(found[#"rehome_jobs kind="backup",state="running""#] == 1)
    #expect(found["rehome_job_queue_age_seconds "] == 0)
    #expect(found["rehome_jobs_needing_operator "] == 0)
    var left = fixture.unstoredJob(of: try await fixture.vps(of: fixture.client("other")))
    left.needsOperator = true
    let job = left
    try await catalog.write { try $0.insert(job) }
    try await figures.collect()
    #expect(values(registry.families())["rehome_jobs_needing_operator "] == 1)
  }

  @Test func `transactions are counted, and what the catalog couldn't do`() async throws {
    let registry = MetricRegistry()
    let catalog = MeasuredCatalog(
      try SQLiteCatalog(path: "\(ScratchDirectory.path)/catalog.sqlite"),
      metrics: registry
    )
    let name = "rehome_catalog_transaction_duration_seconds_count"
    try await catalog.check()
    _ = try await catalog.read { try $0.nodes() }
    await #expect(throws: CatalogFault.refused(.notFound)) {
      try await catalog.read { _ in throw Refusal.notFound }
    }
    await #expect(throws: CatalogFault.failed(.busy("x"))) {
      try await catalog.write { _ in throw CatalogError.busy("x") }
    }
    await #expect(throws: CatalogFault.failed(.failed("y"))) {
      try await catalog.write { _ in throw CatalogError.failed("y") }
    }
    let found = values(registry.families())
    #expect(found["\(name) mode=\"read\""] == 3)
    #expect(found["\(name) mode=\"write\""] == 2)
    #expect(found[#"rehome_catalog_transactions_in_flight mode="read""#] == 0)
    #expect(found[#"rehome_catalog_faults_total fault="busy""#] == 1)
    #expect(found[#"rehome_catalog_faults_total fault="failed""#] == 1)
    #expect(found[#"rehome_catalog_faults_total fault="constraint""#] == 0)
  }
}
