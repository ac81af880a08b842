package import Catalog
import Disks
import Foundation
package import Hypervisor
package import Logging
package import Model
import Operations

/// Ends what backups whose jobs are over, and restores that died while they asked what has changed, have
/// left in libvirt and on the disk.
package struct SessionRecovery: Sendable {
  private let catalog: any Catalog
  private let hypervisor: any Hypervisor
  private let runtimeDirectory: String
  private let clock: any WallClock
  private let logger: Logger

  /// Makes the recovery of one node's sessions.
  package init(
    catalog: any Catalog,
    hypervisor: any Hypervisor,
    runtimeDirectory: String,
    clock: any WallClock,
    logger: Logger
  ) {
    self.catalog = catalog
    self.hypervisor = hypervisor
    self.runtimeDirectory = runtimeDirectory
    self.clock = clock
    self.logger = logger
  }

  /// Ends the libvirt sessions of jobs that have ended, thaws the guests of backups, removes their scratch.
  ///
  /// At a worker's start every session is a dead worker's: the guest of a backup may be frozen, so it is
  /// thawed at once, even when the job goes on later. A restore's session is ended then as well, and
  /// whenever it is older than one may be: nobody watches its scratch, and its job may have to wait for its
  /// turn.
  package func endOrphanedSessions(isStart: Bool = false) async {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: runtimeDirectory)) ?? []
    for id in names.sorted().compactMap(JobID.init) {
      do throws(BackupStop) {
        try await endOrphanedSession(of: id, isStart: isStart)
      } catch {
        logger.warning(
          "orphaned backup session not ended",
          metadata: ["job.id": "\(id)", "error": "\(error)"]
        )
      }
    }
  }

  private func endOrphanedSession(
    of id: JobID,
    isStart: Bool
  ) async throws(BackupStop) {
    let found = try await fromCatalog { () async throws(CatalogFault) in
      try await catalog.read { transaction in
        let job = try transaction.job(id)
        return (job, try job.flatMap { try transaction.vps($0.vpsID) })
      }
    }
    guard let job = found.0 else { return }
    let isBackup = job.task.kind == .backup
    if isStart, isBackup, let vps = found.1 { await thaw(vps) }
    let directory = "\(runtimeDirectory)/\(id)"
    var isOver = job.state.isFinal || (isStart && !isBackup)
    if !isOver, !isBackup { isOver = await isOld(directory) }
    guard isOver else { return }
    // Restores freeze nobody, so that a guest which is frozen is somebody else's.
    if let vps = found.1 {
      try await endSession(of: vps, in: directory, thaws: isBackup)
    } else {
      await RuntimeDirectory(path: directory).remove()
    }
  }

  /// Whether a folder was made, or its files, longer ago than a session that only asks may last.
  private func isOld(_ directory: String) async -> Bool {
    guard let changed = try? await FileIdentity.of(directory).modified else { return false }
    let age = clock.now().seconds - changed / 1_000_000_000
    return age > Limits.changeSessionAge.components.seconds
  }

  private func thaw(_ vps: VPS) async {
    do throws(HypervisorError) {
      try await hypervisor.thaw(vps.reference, timeout: Limits.freezeBound)
    } catch {
      logger.notice(
        "guest of a dead backup not thawed",
        metadata: ["vps.id": "\(vps.id)", "error": "\(error)"]
      )
    }
  }

  private func endSession(
    of vps: VPS,
    in directory: String,
    thaws: Bool
  ) async throws(BackupStop) {
    do throws(HypervisorError) {
      let end = SessionEnd(
        hypervisor: hypervisor,
        reference: vps.reference,
        directory: directory
      )
      try await end.perform()
      if thaws { try await thawIfItListens(vps) }
      try await end.close()
    } catch .domainMissing {
      await RuntimeDirectory(path: directory).remove()
    } catch {
      throw BackupStop(error)
    }
  }

  /// Thaws a guest; one that has no agent at its channel was never frozen, or nobody can thaw it.
  private func thawIfItListens(_ vps: VPS) async throws(HypervisorError) {
    do throws(HypervisorError) {
      try await hypervisor.thaw(vps.reference, timeout: Limits.freezeBound)
    } catch .agentUnavailable {
      // One that is there and doesn't answer may have frozen its guest, and hears of it next time.
      let domain = try await hypervisor.domain(vps.reference)
      if domain.state.isActive, domain.isAgentConnected { throw .agentUnavailable }
    }
  }
}
