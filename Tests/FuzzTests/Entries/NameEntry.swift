@testable import Datastore

/// Names of snapshots, and of what is in them.
enum NameEntry {
  private static let root = "/store"

  static func check(_ bytes: [UInt8]) {
    guard let text = String(validating: bytes, as: UTF8.self) else { return }
    if let path = SnapshotPath(relative: text) {
      precondition(path.relative == text, "a snapshot has two names")
      checkInside(path)
    }
    if let path = try? SnapshotPath(namespace: [text], id: text, time: 1) { checkInside(path) }
    let namespace = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    if let path = try? SnapshotPath(namespace: namespace, id: "vm_1", time: 1) {
      checkInside(path)
      precondition(
        SnapshotPath(relative: path.relative) == path,
        "a snapshot is lost by its name"
      )
    }
    if SafeName.isValid(text) { checkInside(root, text) }
    if let time = SnapshotPath.time(named: text) {
      precondition(SnapshotPath.name(of: time) == text, "a moment has two names")
    }
  }

  /// Traps unless a file of this name stands directly in its folder.
  static func checkInside(_ folder: String, _ name: String) {
    precondition(!name.isEmpty && name.utf8.count <= 255, "a name that no file has")
    precondition(!name.utf8.contains(UInt8(ascii: "/")), "a name leads into another folder")
    precondition(!name.utf8.contains(0), "a name ends early")
    precondition(name.utf8.first != UInt8(ascii: "."), "a name is hidden, or leads up")
  }

  private static func checkInside(_ path: SnapshotPath) {
    let folder = StoreLayout(root: root).folder(of: path)
    precondition(folder.hasPrefix("\(root)/"), "a snapshot is outside of the store")
    precondition(folder.utf8.count < 4096, "a path that no file has")
    for part in folder.dropFirst(root.count + 1).split(
      separator: "/",
      omittingEmptySubsequences: false
    ) {
      checkInside(root, String(part))
    }
  }
}
