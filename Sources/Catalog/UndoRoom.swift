import Foundation
import Model

// What guests may come to take of a file system because a former disk shares blocks with theirs.

extension UndoRecord {
  /// What is read of a detail, which is the restore engine's otherwise.
  private struct Room: Decodable {
    struct Former: Decodable { var detail: String }

    var sharedBytes: Int64?
    var former: Former?
  }

  /// Bytes that former and new disks share, of this record and what it stands in for: each write to one
  /// of them takes new room.
  package var promisedBytes: Int64 { Self.promisedBytes(in: detail) }

  private static func promisedBytes(in detail: String) -> Int64 {
    guard let room = try? JSONDecoder().decode(Room.self, from: Data(detail.utf8)) else { return 0 }
    return (room.sharedBytes ?? 0) + (room.former.map { promisedBytes(in: $0.detail) } ?? 0)
  }
}

extension CatalogTransaction {
  /// Bytes of a file system that are promised: to jobs, and to guests whose disks share blocks with a
  /// former one as long as that is kept.
  ///
  /// A VPS whose disks haven't been seen counts for every file system.
  package func owedBytes(node: String, fileSystem: String) throws(CatalogError) -> Int64 {
    var owed = try reservedBytes(node: node, fileSystem: fileSystem)
    for undo in try expiredUndos(node: node, at: .never) {
      let promised = undo.promisedBytes
      guard promised > 0 else { continue }
      let seen = Set((try vps(undo.vpsID)?.observation?.disks ?? []).compactMap(\.fileSystem))
      if seen.isEmpty || seen.contains(fileSystem) { owed += promised }
    }
    return owed
  }
}
