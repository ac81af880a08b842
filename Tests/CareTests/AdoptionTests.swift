import Care
import Catalog
import Datastore
import Foundation
import Model
import TestSupport
import Testing

@Suite(.scratchDirectory)
struct AdoptionTests {
  @Test func `snapshots newer than the catalog are taken up, and offered once they were read`()
    async throws
  {
    let world = try await CareWorld()
    let old = try await world.backUp(noise())
    let copy = "\(ScratchDirectory.path)/copy.sqlite"
    try world.catalog.copy(to: copy)
    let (whole, harmed) = (noise(), noise())
    let young = try await world.backUp(whole, recorded: true)
    let bad = try await world.backUp(harmed, recorded: true)
    let silent = try await world.backUp(noise())
    try world.harm(harmed)

    let restored = world.with(try SQLiteCatalog(path: copy))
    #expect(try await restored.state(young) == nil)
    let keeper = restored.keeper()
    await keeper.adopt()
    #expect(try await restored.state(young) == .damaged, "nobody has read it yet")
    await keeper.turn()
    #expect(try await restored.state(young) == .complete)
    #expect(try await restored.state(bad) == .damaged)
    #expect(try await restored.state(old) == .complete)
    #expect(try await restored.state(silent) == nil, "it doesn't say what it is")
    let adopted = try #require(try await restored.catalog.read { try $0.backup(young.id) })
    #expect(adopted.contents == young.contents && adopted.createdAt == young.createdAt)
    #expect(adopted.snapshotPath == young.snapshotPath && adopted.clientID == young.clientID)
    await keeper.adopt()
    let audit = try await restored.catalog.read {
      try $0.auditRecords(AuditFilter(action: "backup.adopt")).map(\.entry.subject)
    }
    #expect(Set(audit) == [young.id.text, bad.id.text] && audit.count == 2)
  }

  @Test func `a snapshot in another's place, or of a VPS that isn't known, is left alone`()
    async throws
  {
    let world = try await CareWorld()
    let copy = "\(ScratchDirectory.path)/copy.sqlite"
    try world.catalog.copy(to: copy)
    let fixture = CatalogFixture(catalog: world.catalog)
    let other = try await fixture.vps(of: fixture.client("other"), name: "other")
    let unknown = try await world.backUp(noise(), of: other, recorded: true)
    // A manifest that claims to be another VPS's.
    let claimed = try await world.backUp(noise(), recorded: true)
    let place = try #require(claimed.snapshotPath)
    let stolen = "ns/\(other.clientID)/vm/\(other.id)"
    try FileManager.default.createDirectory(
      atPath: "\(world.root)/\(stolen)",
      withIntermediateDirectories: true
    )
    try FileManager.default.moveItem(
      atPath: "\(world.root)/\(place)",
      toPath: "\(world.root)/\(stolen)/2033-05-18T05:33:20Z"
    )
    let restored = world.with(try SQLiteCatalog(path: copy))
    await restored.keeper().adopt()
    #expect(try await restored.state(unknown) == nil)
    #expect(try await restored.state(claimed) == nil)
    #expect(try await restored.catalog.read { try $0.backups(in: [.damaged, .complete]) } == [])
  }

  @Test func `a copy is made while others write, and holds one moment`() async throws {
    let world = try await CareWorld()
    let catalog = world.catalog
    let path = ScratchDirectory.path
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        while !Task.isCancelled {
          // Two rows of one transaction: a copy has both or none.
          let name = UUID().uuidString
          try await catalog.write { transaction in
            try transaction.upsertNode(name: "a-\(name)", uri: "u")
            try transaction.upsertNode(name: "b-\(name)", uri: "u")
          }
        }
      }
      for number in 0..<3 {
        let copy = "\(path)/copy-\(number).sqlite"
        try catalog.copy(to: copy)
        let names = try await SQLiteCatalog(path: copy).read { try $0.nodes().map(\.name) }
        let (one, two) = (names.filter { $0.hasPrefix("a-") }, names.filter { $0.hasPrefix("b-") })
        #expect(one.map { $0.dropFirst(2) } == two.map { $0.dropFirst(2) })
        let mode = try FileManager.default.attributesOfItem(atPath: copy)[.posixPermissions]
        #expect(mode as? Int == 0o600)
        #expect(throws: CatalogError.self) { try catalog.copy(to: copy) }
      }
      group.cancelAll()
      try await group.waitForAll()
    }
    #expect(throws: CatalogError.self) { try catalog.copy(to: "\(path)/nowhere/copy.sqlite") }
  }
}
