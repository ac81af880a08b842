import Catalog
import Disks
import Foundation
import Logging

/// What lies where below `data.path`, and who may enter.
struct DataLayout: Sendable {
  /// A folder and who may enter it.
  struct Folder: Sendable, Equatable {
    let path: String
    let mode: UInt32
  }

  /// QEMU's user passes through here to the seeds; nobody may list it.
  let root: Folder
  /// Each VPS's seeds, which QEMU's user opens by name.
  let seeds: Folder
  /// Sockets and scratch files of jobs, each in a folder of its own.
  let run: Folder
  /// What disks held that were written over where they are.
  let undo: Folder
  /// The locks that keep two processes from one VPS, and two workers from one node.
  let locks: Folder
  /// The store; a PBS that shares it is in its group.
  let datastore: Folder
  /// The catalog, which its own file mode keeps to ourselves.
  let catalogPath: String

  /// Finds the places.
  init(_ settings: Settings) {
    let data = settings.storage.dataPath
    root = Folder(path: data, mode: 0o711)
    seeds = Folder(path: "\(data)/seeds", mode: 0o711)
    run = Folder(path: "\(data)/run", mode: 0o711)
    undo = Folder(path: "\(data)/undo", mode: 0o700)
    locks = Folder(path: "\(data)/locks", mode: 0o700)
    datastore = Folder(path: settings.storage.datastorePath, mode: 0o750)
    catalogPath = "\(data)/catalog.sqlite"
  }

  /// Makes what isn't there, and sets the modes.
  func prepare() async throws(CommandFailure) {
    try makeParents(of: root.path)
    for folder in [root, seeds, run, undo, locks] { try await ensure(folder) }
  }

  /// Makes the store's folder; where it stands elsewhere, what is above it is left as it is.
  func prepareDatastore() async throws(CommandFailure) {
    try makeParents(of: datastore.path)
    try await ensure(datastore)
  }

  private func makeParents(of path: String) throws(CommandFailure) {
    let parent = URL(filePath: path).deletingLastPathComponent().path(percentEncoded: false)
    do {
      try FileManager.default.createDirectory(
        atPath: parent,
        withIntermediateDirectories: true
      )
    } catch {
      throw .place(path: parent, reason: "it can't be made; run this as the owner of data.path.")
    }
  }

  private func ensure(_ folder: Folder) async throws(CommandFailure) {
    do throws(DiskError) {
      try await RuntimeDirectory.ensure(folder.path, mode: folder.mode)
    } catch {
      switch error {
      case .unsupported(let reason):
        throw .unsafePlace(path: folder.path, reason: "\(reason). Run this as its owner.")
      case .io(_, _, let number):
        throw .place(
          path: folder.path,
          reason: "it can't be made or entered (error number \(number)); "
            + "run this as the owner of data.path."
        )
      case .outOfSpace:
        throw .place(path: folder.path, reason: "its file system is full.")
      case .locked, .hostile, .tool, .serverEnded, .stampMismatch, .notFound, .closed:
        throw .place(path: folder.path, reason: "it can't be made or entered.")
      }
    }
  }

  /// Opens the catalog, making it when it isn't there.
  func openCatalog(logger: Logger) async throws(CommandFailure) -> SQLiteCatalog {
    let path = catalogPath
    do throws(CatalogError) {
      return try await BlockingExecutor(label: "rehome.open", width: 1).run {
        () throws(CatalogError) in try SQLiteCatalog(path: path)
      }
    } catch {
      throw .catalog(error)
    }
  }
}
