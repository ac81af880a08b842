package import Hypervisor
import Model
import Synchronization

/// Notices a machine that is started while its disks are being read or written over.
///
/// QEMU's locks keep a file's machine off. A block device's needn't: libvirt gives each machine device
/// nodes of its own, in a mount namespace of its own, and a lock belongs to the node that was opened.
/// So the machine itself is watched: its events, and its state again and again for those that get
/// lost.
package final class StartWatch: Sendable {
  private let hypervisor: any Hypervisor
  private let reference: DomainReference
  private let timer: any Clock<Duration>
  private let events: AsyncStream<DomainEvent>
  private let isStarted = Atomic<Bool>(false)

  /// Begins to listen: whatever happens from here on is noticed.
  package init(
    _ reference: DomainReference,
    on hypervisor: any Hypervisor,
    _ timer: any Clock<Duration>
  ) {
    self.hypervisor = hypervisor
    self.timer = timer
    self.reference = reference
    events = hypervisor.events()
  }

  /// Whether the machine was seen to run at any time since this was made.
  package var hasSeenStart: Bool { isStarted.load(ordering: .acquiring) }

  /// Watches until it is cancelled.
  package func run() async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.listen() }
      group.addTask { await self.poll() }
    }
  }

  /// Looks now.
  ///
  /// A start that is under way may yet fail, and where it meets our locks it does: its outcome counts.
  package func look() async throws(HypervisorError) {
    var state = try await hypervisor.state(of: reference)
    while state == .starting, !Task.isCancelled {
      // Cancelled, it returns at once and the loop ends.
      try? await timer.sleep(for: Limits.startWatchRest)
      state = try await hypervisor.state(of: reference)
    }
    if state.isActive { note() }
  }

  private func listen() async {
    for await event in events where event.kind == .started && isOurs(event.domain) { note() }
  }

  private func isOurs(_ domain: DomainReference?) -> Bool {
    guard let domain else { return false }
    guard let uuid = domain.uuid, let ours = reference.uuid else {
      return domain.name == reference.name
    }
    return uuid == ours
  }

  private func poll() async {
    while !Task.isCancelled {
      // A libvirt that is away can't start anything; the next look finds what it did since.
      try? await look()
      // Cancelled, it returns at once and the loop ends.
      try? await timer.sleep(for: Limits.startWatchInterval)
    }
  }

  private func note() { isStarted.store(true, ordering: .releasing) }
}
