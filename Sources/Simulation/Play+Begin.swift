import Catalog
import Hypervisor
import Model
import Operations
import Synchronization
import TestSupport

extension Play {
  /// Accepts an act's jobs; nil when the rules refuse them.
  func begin(_ act: Act, _ former: Former?) async throws -> Scene? {
    world.course.unsynced.settle()
    world.course.begin([])
    world.keepsHouse.withLock { $0 = act.makesBackup }
    world.subject.withLock { $0 = act.work == .backup(.source) ? "source" : "target" }
    if act.pause > .zero { world.course.clock.advance(by: act.pause) }
    if act.isPruned { try await prune() }
    let breath = world.breath
    world.course.setBreath(act.makesBackup ? breath : nil)
    for vps in [target, source] {
      let seen = try await world.observer.observe(vps.reference)
      try await world.catalog.write { try $0.setObservation(seen, of: vps.id) }
    }
    let now = world.paths.map(Guest.bytes(of:))
    world.guest.begin(Guest.Contents(old: now, new: now))
    let sourceNow = world.sourceGuest.contents.old
    world.sourceGuest.begin(Guest.Contents(old: sourceNow, new: sourceNow))
    var scene = Scene()
    world.tick()
    do throws(Refusal) {
      if case .backup = act.work {} else { scene.main = try await beginRestore(act, now, former) }
    } catch {
      world.course.trace.add("=== refused: \(error.code)")
      return nil
    }
    for side in act.backups {
      do throws(Refusal) {
        world.tick()
        let vps = side == .target ? target : source
        let change = try world.operations.createBackup(World.caller, of: vps.id.text)
        let job = try await world.operations.perform(change)
        scene.backups.append((side, job))
      } catch {
        world.course.trace.add("=== backup refused: \(error.code)")
      }
    }
    guard !scene.jobs.isEmpty else { return nil }
    world.course.trace.add("=== \(act.work) \(act.plan.map { "\($0.cue): \($0.happening)" })")
    world.course.begin(act.plan)
    return scene
  }

  /// Deletes the oldest backup, as somebody does to whom it is of no use any more.
  private func prune() async throws {
    let kept = world.kept.withLock { $0 }
    guard kept.count > 1 else { return }
    do throws(Refusal) {
      try await world.operations.deleteBackup(World.caller, kept[0].id.text)
    } catch {
      world.course.trace.add("=== the oldest backup stays: \(error.code)")
    }
  }

  private func beginRestore(
    _ act: Act,
    _ now: [[UInt8]],
    _ former: Former?
  ) async throws(Refusal) -> (Job, Standing)? {
    guard let domain = try? await world.hypervisor.domain(target.reference) else { return nil }
    var before = Standing(
      isRunning: domain.state.isActive,
      hasAutostart: domain.hasAutostart,
      seed: domain.inactiveDisks.first(where: \.isReadOnly)?.sourcePath,
      isUndo: false,
      isInPlace: false,
      startsWhenOff: false
    )
    let change: Change<Job>
    var contents = Guest.Contents(old: now, new: now)
    if act.work == .undo, let former {
      before.isUndo = true
      before.formerSeed = former.seed
      before.formerAct = former.act
      contents.new = former.contents
      change = try world.operations.undoRestore(World.caller, former.job.text)
    } else {
      var strategy = RestoreStrategy.staged
      if case .restore(let wanted, let starts) = act.work {
        strategy = wanted
        before.startsWhenOff = starts
      }
      before.isInPlace = strategy == .inPlace
      guard let backup = try await backup(act.pick) else { return nil }
      contents.new = zip(backup.bytes, now).map { bytes, old in
        bytes + [UInt8](repeating: 0, count: old.count - bytes.count)
      }
      change = try world.operations.restoreFromVPS(
        World.caller,
        RestoreRequest(
          target: target.id.text,
          source: backup.vps == target.id ? nil : backup.vps.text,
          backup: backup.id.text,
          strategy: strategy,
          startsWhenOff: before.startsWhenOff
        )
      )
    }
    if contents.old == contents.new { contents.old = world.guest.scribble(on: world.paths) }
    world.guest.begin(contents)
    let job = try await world.operations.perform(change)
    if before.isUndo { before.isInPlace = try await isInPlace() }
    return (job, before)
  }

  /// One of the backups that are complete.
  private func backup(_ pick: Int) async throws(Refusal) -> KeptBackup? {
    let kept = world.kept.withLock { $0 }
    let complete = try await world.operations.read { transaction in
      try kept.filter { try transaction.backup($0.id)?.state == .complete }
    }
    return complete.isEmpty ? nil : complete[pick % complete.count]
  }

  private func isInPlace() async throws(Refusal) -> Bool {
    let id = target.id
    let record = try await world.operations.read { try $0.undo(of: id) }
    return record?.detail.contains("\"isInPlace\":true") ?? false
  }
}
