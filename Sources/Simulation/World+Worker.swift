import Backup
import Catalog
import Datastore
import Disks
import Foundation
import Guest
import Hypervisor
import Jobs
import Model
import Operations
import Restore
import Synchronization
import TestSupport

extension World {
  /// A worker as the program composes one, for one life.
  private func worker(_ store: LocalDatastore) -> Worker {
    let restore = RestoreHandler(parts: restoreParts(store))
    let backup = BackupHandler(parts: backupParts(store))
    let keepsHouse = keepsHouse.withLock { $0 }
    let care = keepsHouse ? Housekeeping(self, store) : nil
    return Worker(
      catalog: catalog,
      node: Self.node,
      handlers: [.backup: backup, .restore: restore, .undo: restore],
      clock: course.clock,
      concurrency: Adjustable(2),
      attempts: 3,
      locksDirectory: "\(folder)/locks",
      logger: .quiet,
      timer: course.clock.timer,
      startup: care?.startup ?? [],
      periodic: care?.periodic ?? []
    )
  }

  private func restoreParts(_ datastore: LocalDatastore) -> RestoreParts {
    let (course, folder) = (course, folder)
    var parts = RestoreParts(
      catalog: catalog,
      datastore: datastore,
      hypervisor: hypervisor,
      observer: observer,
      buffers: Self.buffers(Limits.stageStepsInFlight),
      clock: course.clock,
      timer: course.clock.timer,
      settings: RestoreSettings(
        shutdownTimeout: .seconds(20),
        confirmTimeout: .seconds(3),
        hypervisorPatience: .seconds(20),
        seedsDirectory: "\(folder)/seeds",
        runtimeDirectory: "\(folder)/run",
        undoDirectory: "\(folder)/undo",
        firstBootFiltering: scenario.filtersFirstBoots ? .auto : .off
      ),
      logger: .quiet,
      reached: { moment in _ = await course.visit("moment: \(moment.rawValue)") }
    )
    parts.packed = Self.buffers(Limits.stageScratchBuffers)
    parts.shadows = Self.buffers(Limits.stageScratchBuffers)
    // What a seed holds is the business of other tests; here it is whole and durable, or not there.
    parts.writeSeed = { seed, path, _ throws(SeedError) in
      guard await course.visit("seed: write \(path)"),
        FileManager.default.createFile(atPath: path, contents: Data(seed.instanceID.utf8))
      else { throw .io(operation: "simulated", path: path, errno: 5) }
    }
    return parts
  }

  private func backupParts(_ datastore: LocalDatastore) -> BackupParts {
    let course = course
    return BackupParts(
      catalog: catalog,
      datastore: datastore,
      hypervisor: hypervisor,
      observer: observer,
      clock: course.clock,
      timer: course.clock.timer,
      settings: BackupSettings(scratchMinimumBytes: 1 << 20, chunkBytes: Scenario.chunkSize),
      runtimeDirectory: "\(folder)/run",
      opening: opening(),
      logger: .quiet,
      reached: { moment in _ = await course.visit("moment: \(moment.rawValue)") }
    )
  }

  private static func buffers(_ count: Int) -> BufferPool {
    BufferPool(count: count, capacity: Scenario.chunkSize * 2)
  }

  /// Lives of workers, one after the other and sometimes two at once, until a job has ended.
  ///
  /// - Returns: Whether they have ended.
  func live(until jobs: [JobID], rests: Bool) async -> Bool {
    let deadline = course.clock.uptime + .seconds(4 * 3600)
    var number = 0
    while course.clock.uptime < deadline {
      let first = Life(number: number + 1, course: course)
      let second = Life(number: number + 2, course: course)
      number += 2
      let isEnded = await live(first, beside: second) {
        let sign = await self.watch(jobs, until: deadline)
        if sign == .jobEnded, rests { await self.rest() }
        return sign
      }
      if first.end == .powerLost || second.end == .powerLost { await losePower() }
      if isEnded { return true }
    }
    return false
  }

  /// A worker that nothing happens to does what is left to do.
  func settle() async {
    let (first, second) = (Life(number: 0, course: course), Life(number: 0, course: course))
    _ = await live(first, beside: second) {
      await self.rest()
      return .jobEnded
    }
  }

  /// From now on nothing happens, for twice as long as what is done now and then needs to be done.
  private func rest() async {
    course.calm()
    course.endHang()
    await hypervisor.finishLate()
    course.trace.add("--- rest")
    _ = await course.clock.timer.isAwake(after: .seconds(130))
  }

  private enum Sign: Sendable, Equatable {
    case jobEnded, frozen, overdue, nothing
    /// A worker, by the number of its life, that has ended or died.
    case gone(Int)
  }

  /// One life; when it is frozen another one begins beside it, as it does when locks are lost.
  ///
  /// - Returns: Whether the job has ended.
  private func live(
    _ life: Life,
    beside other: Life,
    until watch: @escaping @Sendable () async -> Sign
  ) async -> Bool {
    await withTaskGroup(of: Sign.self) { group in
      add(life, to: &group)
      group.addTask { await watch() }
      var alive: Set<Int> = [life.number]
      var hasOther = false
      while let sign = await group.next() {
        switch sign {
        case .nothing: continue
        case .frozen:
          guard !hasOther else { continue }
          loseLocks()
          hasOther = add(other, to: &group)
          if hasOther { alive.insert(other.number) }
          continue
        case .gone(let number):
          alive.remove(number)
          // The one that began later goes on; but both were on the host that has lost its power, and
          // the one whose locks are gone can do nothing any more.
          let lives = [life, other]
          let isPowerLost = lives.contains { $0.end == .powerLost }
          guard isPowerLost || !alive.contains(other.number) else { continue }
          for life in lives where alive.contains(life.number) {
            life.end(isPowerLost ? .powerLost : .killed)
          }
        case .jobEnded, .overdue: break
        }
        group.cancelAll()
        await group.waitForAll()
        return sign == .jobEnded
      }
      return false
    }
  }

  /// Lets a worker begin; false when its datastore is somebody's for himself.
  @discardableResult
  private func add(_ life: Life, to group: inout TaskGroup<Sign>) -> Bool {
    course.trace.add("--- worker \(life.number)")
    do throws(DatastoreError) {
      life.setStore(try openStore())
    } catch {
      course.trace.add("the datastore can't be opened: \(error)")
    }
    guard let store = life.store else { return false }
    let worker = worker(store)
    group.addTask {
      // The store is this process's, and closed with it.
      defer { life.setStore(nil) }
      await self.run(worker, as: life)
      return .gone(life.number)
    }
    group.addTask {
      for await _ in life.freezes { return .frozen }
      return .nothing
    }
    group.addTask {
      for await _ in life.deaths { return .gone(life.number) }
      return .nothing
    }
    return true
  }

  private func run(_ worker: Worker, as life: Life) async {
    await FileSimulation.$observer.withValue(life) {
      await Life.$current.withValue(life) {
        // How a worker ends that was told to end, or could not begin, is no matter here.
        try? await worker.run()
      }
    }
  }

  /// Looks until the jobs have ended, or for so long that they never will.
  private func watch(_ jobs: [JobID], until deadline: Duration) async -> Sign {
    var open = jobs
    while course.clock.uptime < deadline, await course.clock.timer.isAwake(after: .seconds(1)) {
      while let job = open.first, await stored(job)?.state.isFinal == true { open.removeFirst() }
      if open.isEmpty { return .jobEnded }
    }
    return .overdue
  }

  /// A job as it is stored.
  func stored(_ id: JobID) async -> Job? {
    do throws(CatalogFault) {
      return try await catalog.read { try $0.job(id) }
    } catch {
      return nil
    }
  }

  /// Somebody removes the lock files, or they were on another file system all the time.
  private func loseLocks() {
    course.trace.add("*** the lock files are gone")
    try? FileManager.default.removeItem(atPath: "\(folder)/locks")
  }

  /// What `rehome recover` does before libvirt is there.
  private func recoverFiles() async {
    do throws(CatalogFault) {
      for finding in try await FileRecovery(catalog: catalog, node: Self.node).run() {
        course.trace.add("    recovered: \(finding.outcome)")
      }
    } catch {
      course.trace.add("    not recovered: \(error)")
    }
  }

  /// Guests and everything that isn't durable are gone; then libvirt starts what it starts.
  func losePower() async {
    course.endHang()
    await hypervisor.dropLate()
    await hypervisor.losePower()
    let lost = course.unsynced.lose(course.chance)
    course.trace.add("    \(lost) names are lost")
    // Sockets and scratch files stand in memory.
    try? FileManager.default.removeItem(atPath: "\(folder)/run")
    try? FileManager.default.createDirectory(
      atPath: "\(folder)/run",
      withIntermediateDirectories: true
    )
    if scenario.recoversFiles { await recoverFiles() }
    guard scenario.hasAutostart else { return }
    for name in ["target", "source"] {
      do {
        if try await hypervisor.change(name, { $0.description.hasAutostart }) {
          course.trace.add("    libvirt starts the \(name)")
          try await hypervisor.start(DomainReference(name: name))
        }
      } catch {
        course.trace.add("    it doesn't start: \(error)")
      }
    }
  }
}
