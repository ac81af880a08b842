package import Catalog
package import Datastore
import Disks
package import Model

/// What is known of the disks of stopped VPSs: those that nobody has written to since a backup.
///
/// Raw images have no record of changes of their own. This is what can be trusted instead: one
/// bit, and only as long as the VPS stays off and the host up.
package struct StillContent: Sendable {
  private let catalog: any Catalog
  private let datastore: LocalDatastore

  /// Makes it over what is stored.
  package init(catalog: any Catalog, datastore: LocalDatastore) {
    self.catalog = catalog
    self.datastore = datastore
  }

  /// The index of a disk that holds exactly what its last backup shows; nil if that isn't known.
  ///
  /// The answer is about the moment of the call and everything between it and the backup: a copy
  /// made in between holds the same.
  ///
  /// The path is the image's own, without links; the format is the one that it would be read in now.
  package func index(
    of vps: VPSID,
    device: String,
    at path: String,
    format: String
  ) async -> FixedIndex? {
    let found = try? await catalog.read { transaction -> (StillDisks?, Backup?) in
      let still = try transaction.stillDisks(of: vps)
      return (still, try still.flatMap { try transaction.backup($0.backupID) })
    }
    guard let disk = found?.0?.disks.first(where: { $0.device == device }),
      disk.format == format,
      let backup = found?.1, backup.state == .complete,
      let archive = backup.contents?.disks.first(where: { $0.device == device })?.archive,
      let snapshot = backup.snapshotPath.flatMap(SnapshotPath.init(relative:)),
      let index = try? await datastore.open(snapshot).indexes[archive],
      // Looked at last: what is true of the file now was true of it since the backup.
      let mark = try? await StillMark.of(path), mark == StillMark(disk)
    else { return nil }
    return index
  }
}

extension StillMark {
  fileprivate init(_ disk: StillDisk) {
    self.init(
      bootID: disk.bootID,
      fileSystem: disk.fileSystem,
      inode: disk.inode,
      size: disk.fileBytes,
      changed: disk.changedNanoseconds
    )
  }
}

extension StillDisk {
  init(_ disk: ObservedDisk, _ mark: StillMark) {
    self.init(
      device: disk.device,
      bootID: mark.bootID,
      fileSystem: mark.fileSystem,
      inode: mark.inode,
      fileBytes: mark.size,
      changedNanoseconds: mark.changed,
      format: disk.format
    )
  }
}
