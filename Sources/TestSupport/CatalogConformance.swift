package import Catalog
package import Model
import Testing

/// What every catalog must do, whatever it stands on.
///
/// A test runs each rule over a new, empty catalog:
/// `@Test(arguments: CatalogConformance.rules) func rule(_ rule: CatalogConformance.Rule)`.
package enum CatalogConformance {
  /// One demand.
  package struct Rule: Sendable, CustomTestStringConvertible {
    /// The demand as a sentence.
    package let sentence: String
    /// Tries it on a new, empty catalog.
    package let run: @Sendable (any Catalog) async throws -> Void

    init(
      _ sentence: String,
      _ run: @escaping @Sendable (CatalogFixture) async throws -> Void
    ) {
      self.sentence = sentence
      self.run = { try await run(CatalogFixture(catalog: $0)) }
    }

    package var testDescription: String { sentence }
  }

  /// All demands.
  package static let rules: [Rule] =
    transactions + owners + callers + vpss + standings + backups + backupPages + queue + leases
    + journals + schedules + care
}

/// Things to put into a catalog.
package struct CatalogFixture: Sendable {
  /// The node that everything is on.
  package static let node = "local"

  /// Where they go.
  package let catalog: any Catalog
  /// The time at which they are made; it stands unless a test moves it.
  package let clock = ManualClock()
  /// Makes their identifiers.
  package let identifiers: IdentifierFactory

  /// Makes a fixture over a catalog.
  package init(catalog: any Catalog) {
    self.catalog = catalog
    identifiers = IdentifierFactory(clock: clock)
  }
}

extension CatalogFixture {
  /// A client that is stored.
  package func client(_ name: String = "acme") async throws -> Client {
    let client = Client(id: identifiers.make(), name: name, createdAt: clock.now())
    try await catalog.write { try $0.insert(client) }
    return client
  }

  /// A VPS that is stored, its node with it.
  package func vps(
    of client: Client,
    name: String = "web",
    node: String = CatalogFixture.node
  ) async throws -> VPS {
    let vps = unstoredVPS(of: client, name: name, node: node)
    try await catalog.write { transaction throws in
      try transaction.upsertNode(name: node, uri: "test:///default")
      try transaction.insert(vps)
    }
    return vps
  }

  /// A VPS that isn't stored.
  package func unstoredVPS(
    of client: Client,
    name: String = "web",
    node: String = CatalogFixture.node
  ) -> VPS {
    let id: VPSID = identifiers.make()
    return VPS(
      id: id,
      clientID: client.id,
      node: node,
      domainName: "domain-\(id)",
      domainUUID: "uuid-\(id)",
      name: name,
      hostname: name,
      createdAt: clock.now()
    )
  }

  /// A backup that is stored; complete unless said otherwise.
  package func backup(
    of vps: VPS,
    state: BackupState = .complete,
    after: Duration = .zero
  ) async throws -> Backup {
    let id: BackupID = identifiers.make()
    let backup = Backup(
      id: id,
      clientID: vps.clientID,
      vpsID: vps.id,
      state: state,
      type: .manual,
      createdAt: clock.now().advanced(by: after),
      snapshotPath: "ns/\(vps.clientID)/vm/\(vps.id)/\(id)",
      contents: BackupContents(
        disks: [
          BackupDisk(
            device: "vda",
            bus: "virtio",
            archive: "drive-virtio0.img.fidx",
            sizeBytes: 1 << 30,
            nonZeroBytes: 1 << 20
          )
        ],
        firmware: .bios,
        hasTPM: false,
        isFrozen: true
      )
    )
    try await catalog.write { try $0.insert(backup) }
    return backup
  }

  /// A job that isn't stored: a backup of a VPS.
  package func unstoredJob(of vps: VPS, after: Duration = .zero) -> Job {
    Job(
      id: identifiers.make(),
      clientID: vps.clientID,
      vpsID: vps.id,
      node: vps.node,
      task: .backup(BackupTask(backupID: identifiers.make())),
      createdAt: clock.now().advanced(by: after)
    )
  }

  /// A job that is stored.
  package func job(of vps: VPS, after: Duration = .zero) async throws -> Job {
    let job = unstoredJob(of: vps, after: after)
    try await catalog.write { try $0.insert(job) }
    return job
  }

  /// A job of a new VPS of a new client, stored.
  package func job() async throws -> Job {
    try await job(of: vps(of: client()))
  }

  /// A job as it is stored.
  package func stored(_ id: JobID) async throws -> Job {
    let job = try await catalog.read { try $0.job(id) }
    return try #require(job)
  }

  /// Ends a job as failed; false when the lease is lost.
  package static func fail(
    _ lease: Lease,
    _ transaction: any CatalogTransaction
  ) throws(CatalogError) -> Bool {
    try transaction.finish(
      lease,
      state: .failed,
      result: nil,
      failure: testFailure,
      at: .epoch
    )
  }

  /// Claims the next job of the node.
  package func claim(
    _ token: String = "token",
    for duration: Duration = Limits.leaseDuration
  ) async throws -> Lease? {
    let now = clock.now()
    let until = now.advanced(by: duration)
    let job = try await catalog.write {
      try $0.claimJob(node: Self.node, token: token, now: now, leaseUntil: until)
    }
    return job.map { Lease(jobID: $0.id, token: token, until: until) }
  }
}

/// Why a job of a test failed.
let testFailure = JobFailure(code: .internalError, detail: "It failed.")
