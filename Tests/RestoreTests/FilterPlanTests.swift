import Catalog
import Guest
import Hypervisor
import Model
import TestSupport
import Testing

@testable import Restore

/// Whose disk a target has, and what becomes of its filter.
@Suite struct FilterPlanTests {
  private typealias Row = (sight: FilterSight, move: FilterMove)

  @Test func `what becomes of a filter`() {
    let live = FilterSight(isActive: true, isLive: true)
    let both = FilterSight(isActive: true, isLive: true, isDefined: true)
    let waiting = FilterSight(isDefined: true)
    let rows: [Row] = [
      (waiting, .renew),
      (both, .keep),
      (both.with { $0.isLong = true }, .liftFromDefinition),
      (both.with { $0.verdict = .mismatch }, .keep),
      (both.with { ($0.verdict, $0.isLong) = (.mismatch, true) }, .liftFromDefinition),
      (live.with { ($0.verdict, $0.isLong) = (.mismatch, true) }, .keep),
      (both.with { $0.verdict = .confirmed }, .lift),
      (live.with { $0.verdict = .confirmed }, .lift),
      (both.with { $0.verdict = .foreign(address: "192.0.2.9") }, .cutLinks),
      // Set while it was being started: its guest is asked all the same.
      (both.with { $0.isLive = false }, .keep),
      (both.with { ($0.isLive, $0.verdict) = (false, .foreign(address: "192.0.2.9")) }, .cutLinks),
      (both.with { ($0.isLive, $0.verdict) = (false, .confirmed) }, .lift),
      (FilterSight(isActive: true), .remove),
      (FilterSight(), .remove),
      (FilterSight(hasSavedMemory: true), .keep),
      (waiting.with { $0.hasSavedMemory = true }, .renew),
      (both.with { $0.isOver = true }, .lift),
      (waiting.with { $0.isOver = true }, .lift),
      (FilterSight(isOver: true, hasSavedMemory: true), .keep),
      (both.with { ($0.isForgotten, $0.isLong) = (true, true) }, .keep),
      (waiting.with { $0.isForgotten = true }, .lift),
    ]
    for row in rows { #expect(row.sight.move == row.move, "\(row)") }
  }

  @Test func `what becomes of a filter whose target's links are down`() {
    let live = FilterSight(isActive: true, isLive: true, isCut: true, isCutForThis: true)
    let both = live.with { $0.isDefined = true }
    let rows: [Row] = [
      // What it shows without a network proves little: nothing is lifted yet.
      (live.with { $0.verdict = .confirmed }, .raiseLinks),
      (both.with { $0.verdict = .confirmed }, .raiseLinks),
      (both.with { $0.verdict = .foreign(address: "192.0.2.9") }, .cutLinks),
      (both.with { $0.verdict = .mismatch }, .keep),
      (both.with { $0.isLong = true }, .keep),
      (FilterSight(isCut: true), .keep),
      (FilterSight(isDefined: true, isCut: true), .renew),
      // Without a filter as well.
      (FilterSight(isActive: true, isCut: true, verdict: .confirmed), .raiseLinks),
      // Another disk is there, and whoever brought it didn't set them up.
      (both.with { ($0.isOver, $0.isDiskGone) = (true, true) }, .raiseLinks),
      (FilterSight(isCut: true, isCutForThis: true, isDiskGone: true), .raiseLinks),
      // Theirs are for a later disk.
      (both.with { ($0.isOver, $0.isDiskGone, $0.isCutForThis) = (true, true, false) }, .lift),
      // No other VPS's disk, so that no filter is for it, and it insists all the same.
      (
        FilterSight(
          isOver: true,
          isActive: true,
          isCut: true,
          isCutForThis: true,
          verdict: .foreign(address: "192.0.2.9")
        ), .cutLinks
      ),
      (FilterSight(isOver: true, isActive: true, isCut: true, isCutForThis: true), .keep),
      (both.with { ($0.isForgotten, $0.verdict) = (true, .confirmed) }, .keep),
    ]
    for row in rows { #expect(row.sight.move == row.move, "\(row)") }
  }

  /// A target's past, one job a minute.
  private struct Past {
    private let identifiers = IdentifierFactory(clock: ManualClock())
    let target: VPSID
    let source: VPSID
    var jobs: [Job] = []
    var backups: [BackupID: Timestamp] = [:]

    init() {
      target = identifiers.make()
      source = identifiers.make()
    }

    mutating func restore(
      of vps: VPSID,
      madeAt minute: Int = 0,
      isConfirmed: Bool = false,
      left: LeftState? = nil
    ) -> JobID {
      let backup: BackupID = identifiers.make()
      backups[backup] = Self.time(minute)
      let task = RestoreTask(sourceVPSID: vps, backupID: backup)
      return add(.restore(task), isConfirmed: isConfirmed, left: left)
    }

    mutating func undo(_ job: JobID, left: LeftState? = nil) {
      _ = add(.undo(UndoTask(restoreJobID: job)), left: left)
    }

    private mutating func add(
      _ task: JobTask,
      isConfirmed: Bool = false,
      left: LeftState? = nil
    ) -> JobID {
      let number = jobs.count + 1
      var job = Job(
        id: identifiers.make(),
        clientID: identifiers.make(),
        vpsID: target,
        node: CatalogFixture.node,
        task: task,
        createdAt: Self.time(number)
      )
      job.state = left == nil ? .completed : .failed
      job.finishedAt = Self.time(number)
      job.failure = left.map { JobFailure(code: .internalError, detail: "", left: $0) }
      if isConfirmed {
        job.result = .undo(
          UndoResult(
            targetVPSID: target,
            restoreJobID: job.id,
            downtime: Downtime(),
            network: NetworkOutcome(
              reapplied: true,
              confirmed: true,
              confirmedReason: nil,
              addresses: []
            ),
            note: ""
          )
        )
      }
      jobs.append(job)
      return job.id
    }

    static func time(_ minute: Int) -> Timestamp { Timestamp(seconds: Int64(minute) * 60) }

    var history: FirstBootHistory {
      get throws { try FirstBootHistory(jobs.reversed()) { backups[$0] } }
    }
  }

  @Test func `whose disk a target has follows from its jobs`() throws {
    var past = Past()
    #expect(try past.history.standing == nil)
    let first = past.restore(of: past.source)
    #expect(try past.history.standing?.id == first)
    _ = past.restore(of: past.source, left: .rolledBack)
    #expect(try past.history.standing?.id == first)
    let third = past.restore(of: past.source, left: .newDiskRunning)
    #expect(try past.history.standing?.id == third)
    #expect(try past.history.disk(before: third)?.id == first)
    // Its own backup, made when the first's disk was there, and one from before.
    let fourth = past.restore(of: past.target, madeAt: 2)
    #expect(try past.history.standing?.id == first)
    _ = past.restore(of: past.target, madeAt: 0)
    #expect(try past.history.standing == nil)
    past.undo(fourth)
    #expect(try past.history.standing?.id == third)
    _ = past.restore(of: past.source, isConfirmed: true)
    #expect(try past.history.standing == nil)
    let last = past.restore(of: past.source, left: .needsOperator)
    #expect(try past.history.standing?.id == last)
    // Nobody knows which of the two disks is there: it may be another's.
    past.undo(last, left: .needsOperator)
    #expect(try past.history.standing?.id == last)
    _ = past.restore(of: past.target, madeAt: 0, left: .needsOperator)
    #expect(try past.history.standing?.id == last)
    past.undo(last)
    #expect(try past.history.standing == nil)
  }
}

extension FilterSight {
  fileprivate func with(_ change: (inout FilterSight) -> Void) -> FilterSight {
    var sight = self
    change(&sight)
    return sight
  }
}
