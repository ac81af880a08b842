import Catalog
import Foundation
import Model
import Operations
import TestSupport

/// A catalog with two clients and three quiet VPSs; nothing around it.
struct OperationsWorld: Sendable {
  static let operatorCaller = Caller(identity: .system("test"))

  let catalog: SQLiteCatalog
  let operations: Operations
  let source: VPS
  let target: VPS
  let foreign: VPS

  static func with(_ body: (OperationsWorld) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "rehome-operations-\(UUID().uuidString)").path(percentEncoded: false)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let catalog = try SQLiteCatalog(path: "\(folder)/catalog.sqlite")
    let operations = Operations(catalog: catalog, clock: SystemWallClock())
    let caller = operatorCaller
    try await operations.registerNode(name: "local", uri: "test:///default")
    for name in ["acme", "other"] {
      _ = try await operations.createClient(caller, name: name)
    }
    func add(_ name: String, _ client: String) async throws -> VPS {
      try await operations.addVPS(
        caller,
        VPSRegistration(
          client: client,
          node: "local",
          domainName: name,
          domainUUID: UUID().uuidString,
          name: name
        ),
        observed: observation()
      )
    }
    try await body(
      OperationsWorld(
        catalog: catalog,
        operations: operations,
        source: add("alpha", "acme"),
        target: add("bravo", "acme"),
        foreign: add("charlie", "other")
      )
    )
  }

  static func observation(_ state: PowerState = .running, size: Int64 = 1 << 30) -> Observation {
    Observation(
      observedAt: Timestamp(milliseconds: 0),
      powerState: state,
      disks: [
        ObservedDisk(
          device: "vda",
          bus: "virtio",
          storage: .file,
          format: "raw",
          path: "/d",
          sizeBytes: size,
          freeBytes: 1 << 40
        )
      ]
    )
  }

  /// A client's caller with all scopes.
  func caller(of vps: VPS, _ scopes: Set<Scope> = Set(Scope.allCases)) -> Caller {
    Caller(identity: .key(IdentifierFactory(clock: SystemWallClock()).make(), vps.clientID, scopes))
  }

  /// A complete backup of a VPS, as its job would have left it.
  func addBackup(
    of vps: VPS,
    size: Int64 = 1 << 20,
    at time: Timestamp = SystemWallClock().now()
  ) async throws -> Backup {
    let id: BackupID = IdentifierFactory(clock: SystemWallClock()).make()
    let backup = Backup(
      id: id,
      clientID: vps.clientID,
      vpsID: vps.id,
      state: .complete,
      type: .manual,
      createdAt: time,
      snapshotPath: "ns/\(vps.clientID)/vm/\(vps.id)/\(id)",
      contents: BackupContents(
        disks: [
          BackupDisk(
            device: "vda",
            bus: "virtio",
            archive: "drive-virtio0.img.fidx",
            sizeBytes: size,
            nonZeroBytes: size
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

  func request(_ backup: Backup) -> RestoreRequest {
    RestoreRequest(target: target.id.text, source: source.id.text, backup: backup.id.text)
  }
}
