package import Catalog
package import Datastore
package import Disks
package import Logging
package import Model
import Synchronization

/// Does what is due for a node's datastore, a turn at a time.
package final class StoreKeeper: Sendable {
  let catalog: any Catalog
  let datastore: LocalDatastore
  let node: String
  let clock: any WallClock
  let rate: RateLimiter
  let logger: Logger
  private let schedule: CareSchedule
  /// When a damaged backup was last read in the hope that it is whole again, and wasn't.
  let vainLooks = Mutex<[BackupID: Timestamp]>([:])

  /// Makes the keeper of one node's store, whose verifications read no faster than `rate`.
  package init(
    catalog: any Catalog,
    datastore: LocalDatastore,
    node: String,
    schedule: CareSchedule,
    clock: any WallClock,
    rate: RateLimiter,
    logger: Logger
  ) {
    self.catalog = catalog
    self.datastore = datastore
    self.node = node
    self.schedule = schedule
    self.clock = clock
    self.rate = rate
    self.logger = logger
  }

  /// How the audit log names what is due by itself.
  var actor: String { "worker:\(node)" }

  /// Keeps the reserve, looks what is due, and does one task to its end or until this task is cancelled.
  package func turn() async {
    // First of all, for without room the catalog takes down nothing of what follows.
    do throws(DatastoreError) {
      try await datastore.tendReserve()
    } catch {
      logger.warning("reserve not tended", metadata: ["error": "\(error)"])
    }
    do throws(CatalogFault) {
      try await addDueTasks()
      try await heal()
      guard let task = try await begin() else { return }
      await perform(task)
    } catch {
      logger.warning("datastore not cared for", metadata: ["error": "\(error)"])
    }
  }

  /// Writes down how a task ends, or that it was interrupted and is still to be done.
  func store(_ task: StoreTask) async {
    do throws(CatalogFault) {
      try await catalog.write { try $0.update(task) }
    } catch {
      // The row still says that it runs, so that a later turn does it again.
      logger.warning(
        "datastore task not recorded",
        metadata: ["task": "\(task.number)", "error": "\(error)"]
      )
    }
  }

  private func addDueTasks() async throws(CatalogFault) {
    let (node, schedule, actor, now) = (node, schedule, actor, clock.now())
    let due = try await catalog.read { transaction throws -> [StoreTask] in
      var due: [StoreTask] = []
      let collection = try transaction.storeTasks(node: node, kind: .collect, limit: 1).first
      if schedule.isCollectionDue(after: collection, at: now) {
        due.append(StoreTask(node: node, kind: .collect, actor: actor, createdAt: now))
      }
      let verification = try transaction.storeTasks(node: node, kind: .verify, limit: 1).first
      if let before = schedule.verificationBoundary(after: verification, at: now),
        try !transaction.backupsToVerify(node: node, before: before, limit: 1).isEmpty
      {
        due.append(
          StoreTask(
            node: node,
            kind: .verify,
            verifiedBefore: before,
            actor: actor,
            createdAt: now
          )
        )
      }
      return due
    }
    guard !due.isEmpty else { return }
    try await catalog.write { transaction in
      for task in due { _ = try transaction.insert(task) }
    }
  }

  private func begin() async throws(CatalogFault) -> StoreTask? {
    let node = node
    return try await catalog.write { transaction throws -> StoreTask? in
      guard var task = try transaction.nextStoreTask(node: node) else { return nil }
      task.state = .running
      try transaction.update(task)
      return task
    }
  }

  private func perform(_ task: StoreTask) async {
    logger.info(
      "datastore task begun",
      metadata: ["task": "\(task.number)", "kind": "\(task.kind.rawValue)"]
    )
    let ended =
      switch task.kind {
      case .collect: await collect(task)
      case .verify: await verify(task)
      }
    await store(ended)
    logger.info(
      "datastore task left",
      metadata: ["task": "\(ended.number)", "state": "\(ended.state.rawValue)"]
    )
  }

  private func collect(_ task: StoreTask) async -> StoreTask {
    let progress = CareProgress(task, keeper: self)
    do throws(DatastoreError) {
      let report = try await datastore.collectGarbage { step in
        await progress.note(step.percent, "\(step.phase.rawValue) \(step.done) of \(step.total)")
      }
      var ended = task
      ended.garbage = report
      return report.isComplete ? completed(ended) : interrupted(ended)
    } catch {
      return failed(task, error.sentence)
    }
  }

  func completed(_ task: StoreTask) -> StoreTask {
    var ended = task
    ended.state = .completed
    ended.percent = 100
    ended.message = ""
    ended.finishedAt = clock.now()
    return ended
  }

  func failed(_ task: StoreTask, _ sentence: String) -> StoreTask {
    logger.error(
      "datastore task failed",
      metadata: ["task": "\(task.number)", "error": "\(sentence)"]
    )
    var ended = task
    ended.state = .failed
    ended.failure = sentence
    ended.finishedAt = clock.now()
    return ended
  }

  func interrupted(_ task: StoreTask) -> StoreTask {
    var left = task
    left.state = .queued
    left.message = "interrupted"
    return left
  }
}
