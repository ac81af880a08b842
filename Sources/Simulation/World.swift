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
import Synchronization
import TestSupport

/// A host, its store, its catalog and its client's two VPSs: the source has a backup.
final class World: Sendable {
  static let caller = Caller(identity: .system("simulation"))
  static let node = "local"
  /// How many seconds a call waits for libvirt.
  private static let answerPatience = 30

  let scenario: Scenario
  let course: Course
  let folder: String
  /// Where the target's firmware stores something; nil: nowhere.
  let nvram: String?
  let hypervisor: SimulatedHypervisor
  /// The target's guest, and the source's.
  let guest: Guest
  let sourceGuest: Guest
  let guests: Guests
  let catalog: SimulatedCatalog
  let operations: Operations
  let observer: HostObserver
  /// What the backups hold that are complete, in the order in which they were made.
  let kept = Mutex<[KeptBackup]>([])
  /// Whether workers do what they do beside their jobs; restores need none of it.
  let keepsHouse = Mutex(false)
  /// Whether something has happened to libvirt after which nobody can say how links are.
  let hasDoubtfulLinks = Mutex(false)
  /// The domain that people do something to.
  let subject = Mutex("target")

  init(scenario: Scenario, seed: UInt64, folder: String, trace: Trace) throws {
    self.folder = folder
    self.scenario = scenario
    for name in [
      "target", "source", "nvram", "trash", "store/.chunks", "seeds", "run", "undo", "locks",
    ] {
      try FileManager.default.createDirectory(
        atPath: "\(folder)/\(name)",
        withIntermediateDirectories: true
      )
    }
    course = Course(seed: seed, folder: folder, trace: trace)
    hypervisor = SimulatedHypervisor()
    nvram = scenario.hasNVRAM ? "\(folder)/nvram/target.fd" : nil
    guest = Guest(domain: "target", course: course, nvram: nvram)
    sourceGuest = Guest(
      domain: "source",
      course: course,
      recordsChanges: scenario.source.recordsChanges
    )
    guests = Guests(all: ["target": guest, "source": sourceGuest])
    catalog = SimulatedCatalog(
      catalog: try SQLiteCatalog(path: "\(folder)/catalog.sqlite"),
      course: course
    )
    operations = Operations(
      catalog: catalog,
      clock: course.clock,
      policy: OperationsPolicy(allowsInPlace: true),
      logger: .quiet
    )
    observer = HostObserver(hypervisor: hypervisor, clock: course.clock)
  }

  /// Lets a moment pass, so that what is made next has a later identifier than what was.
  func tick() { course.clock.advance(by: .milliseconds(1)) }

  /// The target's disks in their order.
  var paths: [String] { paths(of: "target") }

  /// Opens the datastore as a process does that begins.
  func openStore() throws(DatastoreError) -> LocalDatastore {
    try LocalDatastore(
      path: "\(folder)/store",
      sync: scenario.sync,
      executor: BlockingExecutor(label: "rehome.simulation.store", width: 1),
      clock: course.clock,
      logger: .quiet
    )
  }

  func paths(of domain: String) -> [String] {
    scenario.disks.indices.map { "\(folder)/\(domain)/disk\($0)" }
  }

  /// Makes the disks, the domains, the VPSs and the backup.
  func setUp() async throws -> (target: VPS, source: VPS) {
    for (place, disk) in scenario.disks.enumerated() {
      try Data(disk.old).write(to: URL(filePath: paths[place]))
      var image = Data(disk.backup)
      if scenario.source.recordsChanges {
        image = Data(Self.header(size: disk.backup.count)) + image
      }
      try image.write(to: URL(filePath: paths(of: "source")[place]))
    }
    await add("target")
    await add("source")
    await hypervisor.setPower(guests)
    let (course, hypervisor) = (course, hypervisor)
    await hypervisor.setChooser { [self] call in
      if call.operation == .addresses { await showAddresses() }
      return await Self.fault(in: call, course, hypervisor)
    }
    course.setDeeds { [self] in await perform($0, by: $1) }
    try await operations.registerNode(name: Self.node, uri: "test:///default")
    _ = try await operations.createClient(Self.caller, name: "acme")
    let target = try await register("target")
    tick()
    let source = try await register("source")
    try await backUp(source)
    try addForeignSnapshot(beside: source)
    guest.begin(
      Guest.Contents(old: scenario.disks.map(\.old), new: scenario.disks.map(\.old))
    )
    sourceGuest.begin(
      Guest.Contents(old: scenario.disks.map(\.backup), new: scenario.disks.map(\.backup))
    )
    if scenario.isRunning { try await hypervisor.start(target.reference) }
    if scenario.source.isRunning { try await hypervisor.start(source.reference) }
    return (target, source)
  }

  private func add(_ domain: String) async {
    let disks = paths(of: domain).enumerated().map { place, path in
      DomainDisk(
        targetDevice: "vd\(["a", "b"][place])",
        sourcePath: path,
        format: domain == "source" && scenario.source.recordsChanges ? "qcow2" : "raw"
      )
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
    if domain == "target" { machine.description.definition.nvramPath = nvram }
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
        name: domain,
        network: try network(of: domain)
      ),
      observed: try await observer.observe(reference)
    )
  }

  private func backUp(_ source: VPS) async throws {
    let writer = try await openStore().begin(
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
    let bytes = scenario.disks.map(\.backup)
    kept.withLock { $0.append(KeptBackup(id: backup.id, vps: source.id, bytes: bytes)) }
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
    _ course: Course,
    _ hypervisor: SimulatedHypervisor
  ) async -> SimulatedHypervisor.Fault? {
    guard await course.visit("libvirt: \(call.operation.rawValue) \(call.detail)") else {
      return .failOnce(.unavailable("the process has ended"))
    }
    if let late = await hang(in: call, course, hypervisor) { return late }
    guard Life.current != nil else { return nil }
    if course.isHypervisorAway() { return .failOnce(.unavailable("simulated")) }
    if [.start, .startPaused].contains(call.operation),
      course.take({ $0 == .startRefused }) != nil
    {
      return .failOnce(.refused(operation: "start", message: "simulated"))
    }
    if course.take({ $0 == .answerLost }) != nil {
      return .loseAnswer(.timedOut(operation: call.operation.rawValue))
    }
    return nil
  }

  /// Whether a call waits for those before it; one for an autostart that is so already doesn't.
  private static func waits(
    _ call: SimulatedHypervisor.Call,
    _ hypervisor: SimulatedHypervisor
  ) async -> Bool {
    guard call.operation == .setAutostart, let name = call.domain else {
      return call.operation.waitsForDomain
    }
    let isSet = try? await hypervisor.change(name) { $0.description.hasAutostart }
    return call.detail != "\(isSet ?? true)"
  }

  /// Whether a call's answer never comes: libvirt hangs in it, or in one before it.
  private static func hang(
    in call: SimulatedHypervisor.Call,
    _ course: Course,
    _ hypervisor: SimulatedHypervisor
  ) async -> SimulatedHypervisor.Fault? {
    let timedOut = HypervisorError.timedOut(operation: call.operation.rawValue)
    let waits = await waits(call, hypervisor)
    var waited = 0
    while waits, course.isStuck(call.domain) {
      guard waited < answerPatience else { return .failOnce(timedOut) }
      waited += 1
      _ = await course.clock.timer.isAwake(after: .seconds(1))
    }
    if course.isLateDue() { await hypervisor.finishLate() }
    guard Life.current != nil, waits, course.hangs(call) else { return nil }
    _ = await course.clock.timer.isAwake(after: .seconds(answerPatience))
    return .late(timedOut)
  }
}

extension SimulatedHypervisor.Operation {
  /// Whether libvirt begins it only when what was asked of the domain before is done.
  var waitsForDomain: Bool {
    switch self {
    case .usage, .operatingSystem, .domain, .domainNames, .state, .fileUsers, .hostInformation,
      .waitUntil, .agentPing, .addresses, .freeze, .thaw, .freezeStatus, .defineFilter,
      .removeFilter, .filterNames, .backupScratchPaths, .refreshPool:
      false
    case .requestShutdown, .destroy, .start, .startPaused, .reset, .resume, .setAutostart,
      .removeManagedSave, .settle, .attachDevice, .updateDevice, .detachDevice, .setLink,
      .renewGenerationID, .deleteCheckpoints, .forgetCheckpoints, .setFilter, .liftFilter,
      .beginBackup, .abortBackup, .flushCount:
      true
    }
  }
}
