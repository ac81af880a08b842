import Catalog
import Hypervisor
import Jobs
import Logging
import Model
import Operations

extension PowerRun {
  /// How long to wait before a start is tried again that a backup stands in the way of.
  private static let startRest = Duration.seconds(1)

  /// Asks the guest to end and waits a bounded while; that it doesn't is for the plan to judge.
  func shutDown(_ reference: DomainReference) async throws(PowerStop) {
    do throws(HypervisorError) {
      try await parts.hypervisor.requestShutdown(of: reference)
    } catch .refused(_, let message) {
      // It may have ended meanwhile; else nobody listens, and waiting shows that.
      parts.logger.notice(
        "shutdown not requested",
        metadata: ["job.id": "\(job.id)", "error": "\(message)"]
      )
    } catch {
      throw PowerStop(error)
    }
    isOverdue = try await !isDown(reference, within: parts.settings.shutdownTimeout)
  }

  /// Pulls the plug, but lets QEMU write out what it holds.
  func destroy(_ reference: DomainReference) async throws(PowerStop) {
    do throws(HypervisorError) {
      try await parts.hypervisor.destroy(reference, graceful: true)
    } catch .refused(_, let message) {
      // libvirt gives up on a slow QEMU earlier than we do.
      parts.logger.notice(
        "destroy refused",
        metadata: ["job.id": "\(job.id)", "error": "\(message)"]
      )
    } catch {
      throw PowerStop(error)
    }
    guard try await isDown(reference, within: parts.settings.destroyTimeout) else {
      throw .because(.shutdownFailed, "The machine could not be stopped.")
    }
  }

  /// Boots; a start whose answer was lost is resolved by asking.
  ///
  /// A backup of the stopped machine keeps its disks to itself, so a start waits for it a while. Much
  /// may happen meanwhile, so each turn asks anew whether the VPS may be started.
  func start() async throws(PowerStop) {
    let clock = ContinuousClock()
    let deadline = clock.now.advanced(by: parts.settings.startPatience)
    let left: LeftState = task.action == .restart ? .notRunning : .untouched
    while true {
      let (vps, before) = try await allowed(left: left)
      var refusal = ""
      do throws(HypervisorError) {
        if try await parts.hypervisor.startInAnyCase(vps.reference) {
          parts.logger.warning(
            "started without the network filter of its first boot",
            metadata: ["job.id": "\(job.id)"]
          )
        }
      } catch {
        refusal = error.publicReason
      }
      let state = try await fromHypervisor { () async throws(HypervisorError) in
        try await parts.hypervisor.state(of: vps.reference)
      }
      if state.isActive || refusal.isEmpty { return }
      guard let backup = try await dataJob() else {
        // It was refused for a backup that has ended just now.
        if before != nil { continue }
        throw .because(
          .internalError,
          "The machine did not start: \(refusal).",
          left: .notRunning
        )
      }
      guard clock.now < deadline, !Task.isCancelled else {
        throw .because(
          .vpsNotReady,
          "The job \(backup) keeps the disks of the stopped machine. "
            + "Start it when that has ended, or cancel it.",
          left: left
        )
      }
      // A cancelled wait only looks earlier; the loop notices.
      try? await parts.timer.sleep(for: Self.startRest)
    }
  }

  /// Presses the reset button.
  func reset(_ reference: DomainReference) async throws(PowerStop) {
    try await fromHypervisor { () async throws(HypervisorError) in
      try await parts.hypervisor.reset(reference)
    }
  }

  private func isDown(
    _ reference: DomainReference,
    within limit: Duration
  ) async throws(PowerStop) -> Bool {
    do throws(HypervisorError) {
      try await parts.hypervisor.waitUntil(reference, is: [.stopped, .crashed], within: limit)
      return true
    } catch .timedOut {
      return false
    } catch {
      throw PowerStop(error)
    }
  }

  private func dataJob() async throws(PowerStop) -> JobID? {
    let id = job.vpsID
    return try await fromCatalog { () async throws(CatalogFault) in
      try await parts.catalog.read { try $0.unfinishedJob(of: id, class: .data)?.id }
    }
  }

  // Typed throws don't convert by themselves; these do it where an effect calls out.

  func fromHypervisor<Value>(
    _ body: () async throws(HypervisorError) -> Value
  ) async throws(PowerStop) -> Value {
    do throws(HypervisorError) { return try await body() } catch { throw PowerStop(error) }
  }

  func fromCatalog<Value>(
    _ body: () async throws(CatalogFault) -> Value
  ) async throws(PowerStop) -> Value {
    do throws(CatalogFault) { return try await body() } catch { throw PowerStop(error) }
  }

  func fromJournal<Value>(
    _ body: () async throws(JobInterruption) -> Value
  ) async throws(PowerStop) -> Value {
    do throws(JobInterruption) { return try await body() } catch { throw .interrupted(error) }
  }
}
