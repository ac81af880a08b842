import Catalog
import Model
import Testing

extension CatalogConformance {
  static let backupPages: [Rule] = [
    Rule("pages of a VPS's backups are parts of the one list, newest first") {
      fixture async throws in
      let vps = try await fixture.vps(of: fixture.client())
      let other = try await fixture.vps(of: fixture.client("other"), name: "other")
      _ = try await fixture.backup(of: other)
      for second in [0, 1, 1, 1, 2] {
        _ = try await fixture.backup(of: vps, after: .seconds(second))
      }
      _ = try await fixture.backup(of: vps, state: .deleting, after: .seconds(1))
      try await fixture.catalog.read { transaction throws in
        let all = try transaction.backups(of: vps.id, in: [.complete])
        #expect(all.count == 5)
        for (index, backup) in all.enumerated() {
          let place = BackupPlace(createdAt: backup.createdAt, id: backup.id)
          for limit in [1, 2, 9] {
            let page = try transaction.backups(
              of: vps.id,
              in: [.complete],
              after: place,
              limit: limit
            )
            #expect(page == Array(all.dropFirst(index + 1).prefix(limit)))
          }
        }
        let first = try transaction.backups(of: vps.id, in: [.complete], after: nil, limit: 2)
        #expect(first == Array(all.prefix(2)))
        #expect(try transaction.backups(of: vps.id, in: [], after: nil, limit: 2).isEmpty)
      }
    },
    Rule("a client's VPSs tell whether they have backups, from one of them on") {
      fixture async throws in
      let client = try await fixture.client()
      let foreign = try await fixture.vps(of: fixture.client("other"), name: "foreign")
      _ = try await fixture.backup(of: foreign)
      var made: [VPS] = []
      for name in ["a", "b", "c"] { made.append(try await fixture.vps(of: client, name: name)) }
      _ = try await fixture.backup(of: made[0])
      _ = try await fixture.backup(of: made[1], state: .damaged)
      let vpss = made.map(\.id).sorted()
      let (complete, first) = (made[0].id, vpss[1])
      try await fixture.catalog.read { transaction throws in
        let all = try transaction.backupOwners(
          ofClient: client.id,
          in: [.complete],
          from: nil,
          limit: 9
        )
        #expect(all.map(\.vpsID) == vpss)
        #expect(all.filter(\.hasBackups).map(\.vpsID) == [complete])
        let some = try transaction.backupOwners(
          ofClient: client.id,
          in: [.complete, .damaged],
          from: first,
          limit: 1
        )
        #expect(some.map(\.vpsID) == [first])
      }
    },
  ]
}
