@testable import Datastore

/// What a snapshot says it holds, `index.json.blob`.
enum ManifestEntry {
  private static let folder = "/store/ns/tenant/vm/vm_1/2026-01-02T03:04:05Z"

  static func check(_ bytes: [UInt8]) {
    guard
      let path = try? SnapshotPath(namespace: ["tenant"], id: "vm_1", time: 1_767_323_045)
    else { preconditionFailure("the snapshot of this entry has no path") }
    guard let manifest = try? Manifest(json: bytes, of: path) else { return }
    precondition(
      bytes.count <= Manifest.maximumByteCount,
      "a manifest is longer than any may be"
    )
    for file in manifest.files {
      NameEntry.checkInside(folder, file.filename)
      precondition(file.size >= 0, "an archive has less than nothing")
    }
    let names = Set(manifest.files.map(\.filename))
    precondition(names.count == manifest.files.count, "two archives have one name")
    guard let json = try? manifest.json() else {
      preconditionFailure("a manifest that was read can't be written")
    }
    // Written for people it may be longer than what was read, and than any may be.
    guard json.count <= Manifest.maximumByteCount else { return }
    let again = try? Manifest(json: json, of: path)
    precondition(again == manifest, "a manifest changes on its way")
  }
}
