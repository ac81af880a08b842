import Catalog
import Datastore
import Disks
import Foundation
import Hypervisor
import Jobs
import Logging
import Model
import Operations
import Restore
import TestSupport

/// A host, its store, its catalog and its client's two VPSs: the source has a backup.
final class World: Sendable {
  static let caller = Caller(identity: .system("simulation"))
  static let node = "local"

  let scenario: Scenario
  let course: Course
  let folder: String
  let hypervisor: SimulatedHypervisor
  let guests: Guests
  let catalog: SimulatedCatalog
  let datastore: LocalDatastore
  let operations: Operations
  let observer: HostObserver

  init(scenario: Scenario, seed: UInt64, folder: String, trace: Trace) throws {
    self.folder = folder
    self.scenario = scenario
    for name in ["target", "source", "trash", "store/.chunks", "seeds", "run", "undo", "locks"] {
      try FileManager.default.createDirectory(
        atPath: "\(folder)/\(name)",
        withIntermediateDirectories: true
      )
    }
    course = Course(seed: seed, folder: folder, trace: trace)
    hypervisor = SimulatedHypervisor()
    guests = Guests(domain: "target", course: course)
    catalog = SimulatedCatalog(
      catalog: try SQLiteCatalog(path: "\(folder)/catalog.sqlite"),
      course: course
    )
    datastore = try LocalDatastore(
      path: "\(folder)/store",
      sync: .none,
      executor: BlockingExecutor(label: "rehome.simulation.store", width: 1),
      logger: .quiet
    )
    operations = Operations(
      catalog: catalog,
      clock: course.clock,
      policy: OperationsPolicy(allowsInPlace: true),
      logger: .quiet
    )
    observer = HostObserver(hypervisor: hypervisor, clock: course.clock)
  }

  /// The target's disks in their order.
  var paths: [String] { paths(of: "target") }

  private func paths(of domain: String) -> [String] {
    scenario.disks.indices.map { "\(folder)/\(domain)/disk\($0)" }
  }

  /// Makes the disks, the domains, the VPSs and the backup.
  func setUp() async throws -> (target: VPS, source: VPS, backup: Backup) {
    for (place, disk) in scenario.disks.enumerated() {
      try Data(disk.old).write(to: URL(filePath: paths[place]))
      try Data(disk.backup).write(to: URL(filePath: paths(of: "source")[place]))
    }
    await add("target")
    await add("source")
    await hypervisor.setPower(guests)
    let (course, hypervisor) = (course, hypervisor)
    await hypervisor.setChooser { await Self.fault(in: $0, course) }
    course.setDeeds { [self] in await perform($0) }
    try await operations.registerNode(name: Self.node, uri: "test:///default")
    _ = try await operations.createClient(Self.caller, name: "acme")
    let target = try await register("target")
    let source = try await register("source")
    let backup = try await backUp(source)
    guests.begin(
      Guests.Contents(old: scenario.disks.map(\.old), new: scenario.disks.map(\.old))
    )
    if scenario.isRunning { try await hypervisor.start(target.reference) }
    return (target, source, backup)
  }

  private func add(_ domain: String) async {
    let disks = paths(of: domain).enumerated().map { place, path in
      DomainDisk(targetDevice: "vd\(["a", "b"][place])", sourcePath: path)
    }
    let interface = DomainInterface(mac: "52:54:00:00:00:01", type: "bridge")
    var machine = SimulatedHypervisor.Machine(
      DomainDescription(
        name: domain,
        uuid: "uuid-\(domain)",
        state: .stopped,
        hasAutostart: scenario.hasAutostart,
        definition: DomainXML(
          name: domain,
          uuid: "uuid-\(domain)",
          disks: disks,
          interfaces: [interface]
        )
      )
    )
    machine.hasAgent = scenario.hasAgent
    machine.ignoresACPI = scenario.ignoresACPI
    machine.guestInterfaces = [
      GuestInterface(name: "eth0", mac: interface.mac, addresses: ["192.0.2.7/24"])
    ]
    await hypervisor.add(machine)
  }

  private func register(_ domain: String) async throws -> VPS {
    let reference = DomainReference(name: domain, uuid: "uuid-\(domain)")
    return try await operations.addVPS(
      Self.caller,
      VPSRegistration(
        client: "acme",
        node: Self.node,
        domainName: domain,
        domainUUID: "uuid-\(domain)",
        name: domain
      ),
      observed: try await observer.observe(reference)
    )
  }

  private func backUp(_ source: VPS) async throws -> Backup {
    let writer = try await datastore.begin(
      namespace: [source.clientID.text],
      id: source.id.text,
      notBefore: 1
    )
    var disks: [BackupDisk] = []
    for (place, disk) in scenario.disks.enumerated() {
      let archive = "drive-virtio\(place).img.fidx"
      try await put(disk.backup, as: archive, in: writer)
      disks.append(
        BackupDisk(
          device: "vd\(["a", "b"][place])",
          bus: "virtio",
          archive: archive,
          sizeBytes: Int64(disk.backup.count),
          nonZeroBytes: Int64(disk.backup.count)
        )
      )
    }
    _ = try await writer.finish()
    let backup = Backup(
      id: operations.identifiers.make(),
      clientID: source.clientID,
      vpsID: source.id,
      state: .complete,
      type: .manual,
      createdAt: course.clock.now(),
      snapshotPath: writer.path.relative,
      contents: BackupContents(disks: disks, firmware: .bios, hasTPM: false, isFrozen: true)
    )
    try await catalog.write { try $0.insert(backup) }
    return backup
  }

  private func put(_ bytes: [UInt8], as archive: String, in writer: SnapshotWriter) async throws {
    let builder = try writer.beginIndex(
      archive,
      size: Int64(bytes.count),
      chunkSize: Scenario.chunkSize
    )
    let buffer = AlignedBuffer(capacity: Scenario.chunkSize)
    for chunk in 0..<builder.chunkCount {
      let count = builder.length(of: chunk)
      let start = chunk * Scenario.chunkSize
      buffer.fill(bytes[start..<start + count])
      try await builder.put(chunk: chunk, buffer, count: count)
    }
    try await builder.close()
  }

  private static func fault(
    in call: SimulatedHypervisor.Call,
    _ course: Course
  ) async -> SimulatedHypervisor.Fault? {
    guard await course.visit("libvirt: \(call.operation.rawValue) \(call.detail)") else {
      return .failOnce(.unavailable("the process has ended"))
    }
    guard Life.current != nil else { return nil }
    if course.isHypervisorAway() { return .failOnce(.unavailable("simulated")) }
    if call.operation == .start, course.take({ $0 == .startRefused }) != nil {
      return .failOnce(.refused(operation: "start", message: "simulated"))
    }
    if course.take({ $0 == .answerLost }) != nil {
      return .loseAnswer(.timedOut(operation: call.operation.rawValue))
    }
    return nil
  }
}

extension AlignedBuffer {
  /// Puts bytes at the front.
  fileprivate func fill(_ bytes: ArraySlice<UInt8>) {
    let bytes = Array(bytes)
    withMutableBytes(bytes.count) { target in
      for place in bytes.indices {
        target.storeBytes(of: bytes[place], toByteOffset: place, as: UInt8.self)
      }
    }
  }
}
