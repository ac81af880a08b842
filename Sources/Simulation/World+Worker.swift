import Catalog
import Disks
import Foundation
import Guest
import Hypervisor
import Jobs
import Model
import Operations
import Restore
import TestSupport

extension World {
  /// A worker as the program composes one, for one life.
  func worker() -> Worker {
    let restore = RestoreHandler(parts: restoreParts())
    return Worker(
      catalog: catalog,
      node: Self.node,
      handlers: [.restore: restore, .undo: restore],
      clock: course.clock,
      concurrency: 2,
      attempts: 3,
      locksDirectory: "\(folder)/locks",
      logger: .quiet,
      timer: course.clock.timer
    )
  }

  private func restoreParts() -> RestoreParts {
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
        undoDirectory: "\(folder)/undo"
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

  private static func buffers(_ count: Int) -> BufferPool {
    BufferPool(count: count, capacity: Scenario.chunkSize * 2)
  }

  /// Lives of workers, one after the other and sometimes two at once, until a job has ended.
  ///
  /// - Returns: Whether it has ended.
  func live(until job: JobID) async -> Bool {
    let deadline = course.clock.now().advanced(by: .seconds(4 * 3600))
    var number = 0
    while course.clock.now() < deadline {
      let first = Life(number: number + 1, course: course)
      let second = Life(number: number + 2, course: course)
      number += 2
      let isEnded = await live(first, until: job, beside: second)
      if first.end == .powerLost || second.end == .powerLost { await losePower() }
      if isEnded { return true }
    }
    return false
  }

  private enum Sign: Sendable {
    case jobEnded, workerEnded, died, frozen
  }

  /// One life; when it is frozen another one begins beside it, as it does when locks are lost.
  ///
  /// - Returns: Whether the job has ended.
  private func live(_ life: Life, until job: JobID, beside other: Life) async -> Bool {
    await withTaskGroup(of: Sign.self) { group in
      add(life, to: &group)
      group.addTask { await self.watch(job) }
      var hasOther = false
      while let sign = await group.next() {
        switch sign {
        case .frozen:
          guard !hasOther else { continue }
          hasOther = true
          loseLocks()
          add(other, to: &group)
          continue
        case .workerEnded where hasOther:
          continue
        case .died where hasOther:
          // The one that is left goes on; but both were on the host that has lost its power.
          let lives = [life, other]
          guard lives.contains(where: { $0.end == .powerLost }) || lives.allSatisfy(\.isDead)
          else { continue }
          for life in lives where !life.isDead { life.end(.powerLost) }
        case .jobEnded, .workerEnded, .died:
          break
        }
        group.cancelAll()
        await group.waitForAll()
        return sign == .jobEnded
      }
      return false
    }
  }

  private func add(_ life: Life, to group: inout TaskGroup<Sign>) {
    course.trace.add("--- worker \(life.number)")
    let worker = worker()
    group.addTask {
      await FileSimulation.$observer.withValue(life) {
        await Life.$current.withValue(life) {
          // How a worker ends that was told to end, or could not begin, is no matter here.
          try? await worker.run()
          return .workerEnded
        }
      }
    }
    group.addTask {
      for await _ in life.freezes { return .frozen }
      return .workerEnded
    }
    group.addTask {
      for await _ in life.deaths { return .died }
      return .workerEnded
    }
  }

  /// Looks until the job has ended, or for so long that it never will.
  private func watch(_ job: JobID) async -> Sign {
    while await course.clock.timer.isAwake(after: .seconds(1)) {
      if await stored(job)?.state.isFinal == true { return .jobEnded }
    }
    return .workerEnded
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

  /// Guests and everything that isn't durable are gone; then libvirt starts what it starts.
  private func losePower() async {
    await hypervisor.losePower()
    let lost = course.unsynced.lose(course.chance)
    course.trace.add("    \(lost) names are lost")
    guard scenario.hasAutostart else { return }
    do {
      if try await hypervisor.change("target", { $0.description.hasAutostart }) {
        course.trace.add("    libvirt starts the target")
        try await hypervisor.start(DomainReference(name: "target"))
      }
    } catch {
      course.trace.add("    it doesn't start: \(error)")
    }
  }
}
