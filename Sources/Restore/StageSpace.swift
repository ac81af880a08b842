import Catalog
import Disks
import Model
import Synchronization

/// Looks after the file system that a stage grows on.
///
/// Guests on a file system without room stop at their next write, so a stage gives up before that. And
/// what the stage has taken is no longer owed to it, or other restores would find it missing twice.
final class StageSpace: Sendable {
  private let path: String
  private let job: JobID
  private let catalog: any Catalog
  private let reserve: FreeReserve
  /// How many bytes are written between two looks.
  private let stride: Int64
  private let written = Atomic<Int64>(0)

  init(
    _ path: String,
    of job: JobID,
    _ catalog: any Catalog,
    keeping reserve: FreeReserve,
    stride: Int64 = Limits.stageSpaceStride
  ) {
    self.path = path
    self.job = job
    self.catalog = catalog
    self.reserve = reserve
    self.stride = stride
  }

  /// Notes bytes that are about to be written.
  ///
  /// - Throws: When they would take the room that guests need.
  func take(_ bytes: Int) async throws(StepStop) {
    let after = written.add(Int64(bytes), ordering: .relaxed).newValue
    guard (after - Int64(bytes)) / stride != after / stride else { return }
    let path = path
    let space = try await fromDisks { () async throws(DiskError) in try await FreeSpace.at(path) }
    guard space.freeBytes >= reserve.bytes(of: space.totalBytes) else {
      throw .because(
        .hostStorageFull,
        "The file system of the target's disks is nearly full: \(space.freeBytes) bytes are left, "
          + "which its guests need (restore.freeReserve)."
      )
    }
    let (job, stride) = (job, stride)
    try await fromCatalog { () async throws(CatalogFault) in
      try await catalog.write {
        try $0.reduceReservation(of: job, fileSystem: space.fileSystem, by: stride)
      }
    }
  }
}
