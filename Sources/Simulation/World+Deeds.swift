import Catalog
import Disks
import Foundation
import Hypervisor
import Model
import Operations
import TestSupport

extension World {
  /// Does what people do; that it is refused is as good.
  func perform(_ deed: Happening.Deed) async {
    do {
      try await attempt(deed)
    } catch {
      course.trace.add("    refused: \(error)")
    }
  }

  private func attempt(_ deed: Happening.Deed) async throws {
    let target = DomainReference(name: "target")
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
      try await hypervisor.change("target") { $0.description.hasManagedSave = true }
    case .inspect:
      // Somebody's `qemu-img` has the disk open, and lets go of it.
      course.inspect(try RecordLock(path: paths[0], mode: .exclusive), for: .seconds(2))
    case .undefine:
      try await hypervisor.destroy(target, graceful: true)
      await hypervisor.remove("target")
    case .terminate:
      _ = try await operations.terminateVPS(
        Self.caller,
        "target",
        wait: ServiceChangeWait(bound: .zero) {}
      )
    }
  }
}
