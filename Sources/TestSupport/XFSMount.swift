import Foundation

/// A small XFS of its own at a folder, for what needs files that share blocks.
package enum XFSMount {
  /// Makes the folder and mounts it; its image stands beside it.
  package static func make(at folder: String) async throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try await TestProcess.run("truncate", ["-s", "1G", image(of: folder)])
    try await TestProcess.run("mkfs.xfs", ["-q", "-m", "reflink=1", image(of: folder)])
    try await TestProcess.run("mount", ["-o", "loop", image(of: folder), folder])
  }

  /// Unmounts it, if there is one, and removes its image; the empty folder stays.
  package static func remove(at folder: String) async throws {
    guard FileManager.default.fileExists(atPath: image(of: folder)) else { return }
    // Lazily: a child that another test is about to start may hold a file of it for a moment.
    try await TestProcess.run("umount", ["-l", folder])
    try FileManager.default.removeItem(atPath: image(of: folder))
  }

  private static func image(of folder: String) -> String { "\(folder).xfs" }
}
