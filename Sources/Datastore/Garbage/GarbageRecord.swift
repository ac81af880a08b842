internal import Disks
internal import FoundationEssentials
internal import Model

/// How far a sweep has come, so that one that was interrupted goes on.
///
/// It is worth something only while the host is up: after a crash of the host the access times that
/// marking has set may be those from before, and everything has to be marked anew.
struct GarbageRecord: Equatable, Sendable, Codable {
  private static let longestByteCount = 4096

  /// The boot of the host in which the chunks were marked.
  let bootID: String
  /// By which rules it sweeps.
  let rules: GarbageRules
  /// What has been found and done.
  var report: GarbageReport
  /// The next folder to sweep.
  var nextFolder: Int

  /// Whether a sweep may go on from here.
  func mayGoOn(at now: Timestamp, bootID: String?) -> Bool {
    let age = now.seconds - rules.markStart
    return self.bootID == bootID && (0..<Limits.garbageResume.components.seconds).contains(age)
      && (0..<StoreLayout.chunkFolderCount).contains(nextFolder) && !report.isDryRun
  }

  /// Reads the record of a store; one that can't be read is as good as none.
  static func load(_ layout: StoreLayout, _ files: FileCalls) throws(DatastoreError) -> Self? {
    guard
      case .bytes(let bytes) = try files.read(layout.garbageRecord, limit: longestByteCount)
    else { return nil }
    return try? JSONDecoder().decode(Self.self, from: Data(bytes))
  }

  /// Writes the record; without room for it the sweep only starts over after an interruption.
  func save(_ layout: StoreLayout, _ files: FileCalls) throws(DatastoreError) {
    guard let json = try? JSONEncoder().encode(self) else { return }
    let temporary = "\(layout.garbageRecord).tmp"
    do throws(DatastoreError) {
      try files.removeFile(temporary)
      try files.create(temporary, [UInt8](json), sync: false)
      try files.rename(temporary, to: layout.garbageRecord)
    } catch .outOfSpace {
      return
    }
  }
}
