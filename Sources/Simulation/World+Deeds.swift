import Catalog
import Datastore
import Disks
import Foundation
import Hypervisor
import Model
import Operations
import Synchronization
import TestSupport

extension World {
  /// Does what people do; that it is refused is as good.
  func perform(_ deed: Happening.Deed, by life: Life) async {
    do {
      try await attempt(deed, by: life)
    } catch {
      course.trace.add("    refused: \(error)")
    }
  }

  private func attempt(_ deed: Happening.Deed, by life: Life) async throws {
    let subject = subject.withLock { $0 }
    let target = DomainReference(name: subject)
    let job = try await catalog.read { try $0.jobs(JobFilter()).last }
    switch deed {
    case .start: try await hypervisor.start(target)
    case .destroy: try await hypervisor.destroy(target, graceful: true)
    case .shutDown: try await hypervisor.requestShutdown(of: target, by: .acpi)
    case .cancel:
      guard let job else { return }
      _ = try await operations.perform(operations.cancelJob(Self.caller, job.id.text))
    case .deleteBackup:
      let backups = try await catalog.read { try $0.backups(in: [.complete]) }
      guard let backup = backups.first else { return }
      try await operations.deleteBackup(Self.caller, backup.id.text)
    case .save:
      try await hypervisor.destroy(target, graceful: true)
      try await hypervisor.change(subject) { $0.description.hasManagedSave = true }
    case .inspect:
      // Somebody's `qemu-img` has the disk open, and lets go of it.
      let lock = try RecordLock(path: paths(of: subject)[0], mode: .exclusive)
      course.inspect(lock, for: .seconds(2))
    case .undefine:
      try await hypervisor.destroy(target, graceful: true)
      await hypervisor.remove(subject)
    case .terminate:
      _ = try await operations.terminateVPS(
        Self.caller,
        subject,
        wait: ServiceChangeWait(bound: .zero) {}
      )
    case .collect:
      guard let report = try await life.store?.collectGarbage() else { return }
      course.trace.add("    collected \(report.removedCount) chunks")
    }
  }
}
