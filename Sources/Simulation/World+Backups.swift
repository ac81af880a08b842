import Backup
import Catalog
import Datastore
import Disks
import Hypervisor
import Jobs
import Model
import Operations
import Restore
import TestSupport

extension World {
  /// How backups open disks: raw images as always, everything that a program serves from its guest.
  func opening() -> SourceOpening {
    var opening = SourceOpening()
    let real = opening.image
    opening.image = { path, format, directory, threads throws(DiskError) in
      guard format == .raw else { return self.served(path) }
      return try await real(path, format, directory, threads)
    }
    opening.marked = { path, bitmap, _ throws(DiskError) in
      guard let changes = self.sourceGuest.changes(of: path, since: bitmap) else {
        throw DiskError.unsupported(reason: "there is no such bitmap")
      }
      return OpenedSource(
        device: self.served(path),
        changes: { range throws(DiskError) in changes.ranges(in: range) },
        hangUp: {}
      )
    }
    opening.session = { socket, export, context throws(DiskError) in
      try await self.session(socket, export, context)
    }
    return opening
  }

  /// An image that isn't raw, as a program would serve it.
  private func served(_ path: String) -> SimulatedDisk {
    let guest = sourceGuest
    return SimulatedDisk(
      name: path,
      size: Int64(guest.bytes(of: path).count),
      course: course,
      bytes: { guest.bytes(of: path) }
    )
  }

  private func session(
    _ socket: String,
    _ export: String,
    _ context: String?
  ) async throws(DiskError) -> OpenedSource {
    guard await course.visit("served: open \(export)"),
      let session = guests.session(at: socket), let disk = session.disks[export]
    else { throw DiskError.io(operation: "connect", path: socket, errno: 111) }
    let (guests, domain) = (guests, session.domain)
    let changes = disk.changes
    return OpenedSource(
      device: SimulatedDisk(
        name: export,
        size: Int64(disk.bytes.count),
        course: course,
        willRead: { await self.stopGuest(domain) },
        bytes: { guests.session(at: socket)?.disks[export]?.bytes }
      ),
      changes: { range throws(DiskError) in
        guard context != nil, let changes else {
          throw DiskError.unsupported(reason: "the server has no such bitmap")
        }
        return changes.ranges(in: range)
      },
      hangUp: {}
    )
  }

  /// Stops a guest for want of room, if that is to happen now.
  private func stopGuest(_ domain: String) async {
    guard course.take({ $0 == .guestStopped }) != nil else { return }
    do throws(HypervisorError) {
      let isStopped = try await hypervisor.change(domain) { machine in
        guard machine.description.state == .running else { return false }
        machine.description.state = .pausedOnError
        return true
      }
      guard isStopped else { return }
      guests.all[domain]?.setPaused(true)
      let kind = DomainEvent.Kind.diskError(device: "vda", paused: true)
      await hypervisor.publish(DomainEvent(domain: DomainReference(name: domain), kind: kind))
    } catch {
      // It is gone, so there is nothing to stop.
    }
  }
}

/// What a worker does beside its jobs, as far as backups need it; as the program has it.
struct Housekeeping: Sendable {
  private let refresh: ObservationRefresh
  private let remover: BackupRemover
  private let sessions: SessionRecovery
  private let checkpoints: CheckpointSweep
  private let filters: FilterSweep

  init(_ world: World, _ store: LocalDatastore) {
    refresh = ObservationRefresh(
      catalog: world.catalog,
      observer: world.observer,
      node: World.node,
      logger: .quiet
    )
    remover = BackupRemover(
      catalog: world.catalog,
      datastore: store,
      node: World.node,
      logger: .quiet
    )
    sessions = SessionRecovery(
      catalog: world.catalog,
      hypervisor: world.hypervisor,
      runtimeDirectory: "\(world.folder)/run",
      clock: world.course.clock,
      logger: .quiet
    )
    checkpoints = CheckpointSweep(
      catalog: world.catalog,
      hypervisor: world.hypervisor,
      node: World.node,
      logger: .quiet
    )
    filters = FilterSweep(
      catalog: world.catalog,
      hypervisor: world.hypervisor,
      node: World.node,
      clock: world.course.clock,
      logger: .quiet
    )
  }

  var startup: [@Sendable () async -> Void] {
    [
      { await refresh.refreshAll() },
      { await remover.collectAbandoned() },
      { await sessions.endOrphanedSessions(isStart: true) },
      { await checkpoints.run() },
    ]
  }

  var periodic: [PeriodicWork] {
    [
      PeriodicWork("observe", every: Limits.observationInterval) { await refresh.refreshAll() },
      PeriodicWork("end backup sessions", every: .seconds(60)) {
        await sessions.endOrphanedSessions()
      },
      PeriodicWork("sweep checkpoints", every: .seconds(10)) { await checkpoints.run() },
      PeriodicWork("sweep network filters", every: .seconds(60)) { await filters.run() },
      PeriodicWork("remove backups", every: .seconds(5)) { await remover.remove() },
    ]
  }
}
