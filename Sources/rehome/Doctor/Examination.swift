import Catalog
import Datastore
import Disks
import Foundation
import Hypervisor
import Logging
import Model
import Operations

/// Examines what this host can do for Rehome.
struct Examination {
  /// The longest path of a Unix socket, less what stands below the folder of sockets.
  private static let longestRunPath = 107 - 60
  /// A clock before this was never set.
  private static let earliestTime = Timestamp(seconds: 1_735_689_600)

  let settings: Settings
  let logger: Logger

  /// Everything, in the order of a good installation.
  func findings() async -> [Finding] {
    var found = [programs(), clock()].flatMap { $0 }
    let hypervisor = LibvirtHypervisor(uri: settings.node.libvirtURI, logger: logger)
    found += await self.hypervisor(hypervisor)
    found += await places(hypervisor)
    return found
  }

  // MARK: - Parts

  private func programs() -> [Finding] {
    let missing = HostProgram.needed.filter { HostProgram.path(of: $0.program) == nil }
    let packages = Set(missing.map(\.package)).sorted().joined(separator: " ")
    return HostProgram.needed.map { needed in
      guard let path = HostProgram.path(of: needed.program) else {
        return Finding(
          needed.program,
          .fail,
          "\(needed.program) isn't installed.",
          remedy: "apt-get install \(packages)"
        )
      }
      return Finding(needed.program, .ok, "\(path) is there.")
    }
  }

  private func clock() -> [Finding] {
    let now = SystemWallClock().now()
    guard now > Self.earliestTime else {
      return [
        Finding(
          "clock",
          .fail,
          "The clock says \(now), which can't be.",
          remedy: "Set it; backups are named by their time."
        )
      ]
    }
    let signs = ["/run/systemd/timesync/synchronized", "/run/chrony/chronyd.pid", "/run/ntpd.pid"]
    guard signs.contains(where: FileManager.default.fileExists(atPath:)) else {
      return [
        Finding(
          "clock",
          .warn,
          "It is \(now); whether something keeps the clock right can't be told.",
          remedy: "apt-get install systemd-timesyncd"
        )
      ]
    }
    return [Finding("clock", .ok, "It is \(now), kept by a time service.")]
  }

  private func hypervisor(_ hypervisor: any Hypervisor) async -> [Finding] {
    do throws(HypervisorError) {
      let host = try await hypervisor.hostInformation()
      let libvirt = Finding(
        "libvirt",
        .ok,
        "libvirt \(host.libvirtVersion) answers at \(settings.node.libvirtURI) on \(host.hostname)."
      )
      guard let qemu = host.qemuVersion else {
        return [
          libvirt,
          Finding(
            "qemu",
            .fail,
            "libvirt found no QEMU.",
            remedy: "apt-get install qemu-system-x86"
          ),
        ]
      }
      return [libvirt, Finding("qemu", .ok, "QEMU \(qemu) is there.")]
    } catch {
      return [
        Finding(
          "libvirt",
          .fail,
          error.words,
          remedy: "apt-get install libvirt-daemon-system qemu-system-x86, or set libvirt.uri"
        )
      ]
    }
  }

  private func storage(_ directory: String, holdsDisks: Bool = false) -> StorageExamination {
    StorageExamination(
      directory: directory,
      holdsDisks: holdsDisks,
      freeReserve: holdsDisks ? settings.restore.freeReserve : .standard
    )
  }

  private func places(_ hypervisor: any Hypervisor) async -> [Finding] {
    let layout = DataLayout(settings)
    guard FileManager.default.fileExists(atPath: layout.root.path) else {
      return [
        Finding(
          "data.path",
          .warn,
          "There is no \(layout.root.path) yet.",
          remedy: "rehome serve makes it; examine again then"
        )
      ]
    }
    do throws(CommandFailure) {
      try await layout.prepare()
      try await layout.prepareDatastore()
    } catch {
      return [Finding("data.path", .fail, error.sentence)]
    }
    var found = [Finding("data.path", .ok, "\(layout.root.path) is ours, with the right modes.")]
    if layout.run.path.utf8.count > Self.longestRunPath {
      found.append(
        Finding(
          "sockets",
          .fail,
          "\(layout.run.path) is too long a path for Unix sockets.",
          remedy: "Choose a shorter data.path."
        )
      )
    }
    let catalog = await catalog(layout)
    found += catalog.findings
    found.append(await datastore())
    if catalog.diskDirectories.isEmpty {
      found += await storage(layout.root.path).findings()
    } else {
      found.append(
        await storage(layout.root.path).space()
      )
    }
    for directory in catalog.diskDirectories {
      found += await storage(directory, holdsDisks: true).findings()
    }
    found += await FirmwareExamination(hypervisor: hypervisor).findings(of: catalog.domains)
    if !layout.datastore.path.hasPrefix(layout.root.path + "/"),
      FileManager.default.fileExists(atPath: layout.datastore.path)
    {
      found.append(
        await storage(layout.datastore.path).space()
      )
    }
    return found
  }

  private func catalog(
    _ layout: DataLayout
  ) async -> (findings: [Finding], diskDirectories: [String], domains: [DomainReference]) {
    let operations: Operations
    do throws(CommandFailure) {
      operations = Operations(
        catalog: try await layout.openCatalog(logger: logger),
        clock: SystemWallClock(),
        logger: logger
      )
    } catch {
      return ([Finding("catalog", .fail, error.sentence)], [], [])
    }
    let node = settings.node.name
    do throws(Refusal) {
      let domains = try await operations.read { try $0.listVPS(VPSFilter(node: node)) }
      let hasWorker = try await operations.hasLiveWorker(node: node)
      let directories = domains.flatMap { $0.observation?.disks ?? [] }
        .filter { $0.storage == .file }
        .map { URL(filePath: $0.path).deletingLastPathComponent().path(percentEncoded: false) }
      return (
        [
          Finding("catalog", .ok, "\(layout.catalogPath) answers; \(domains.count) VPSs."),
          hasWorker
            ? Finding("worker", .ok, "The worker of node \(node) is alive.")
            : Finding(
              "worker",
              .warn,
              "No worker of node \(node) is alive.",
              remedy: "rehome serve"
            ),
        ],
        Set(directories.map { $0.count > 1 && $0.hasSuffix("/") ? String($0.dropLast()) : $0 })
          .sorted(),
        domains.map(\.reference)
      )
    } catch {
      return ([Finding("catalog", .fail, error.words)], [], [])
    }
  }

  private func datastore() async -> Finding {
    let storage = settings.storage
    let executor = BlockingExecutor(label: "rehome.doctor.datastore", width: 1)
    do throws(DatastoreError) {
      try await executor.run { () throws(DatastoreError) in
        _ = try LocalDatastore(path: storage.datastorePath, sync: storage.sync, executor: executor)
      }
      return Finding("datastore", .ok, "\(storage.datastorePath) is a datastore and keeps times.")
    } catch .notADatastore {
      return Finding(
        "datastore",
        .warn,
        "There is no datastore at \(storage.datastorePath) yet.",
        remedy: "rehome serve makes it"
      )
    } catch {
      return Finding("datastore", .fail, error.sentence)
    }
  }
}
