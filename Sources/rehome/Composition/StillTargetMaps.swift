import Backup
import Disks
import Model
import Restore

/// Tells restores what targets' disks hold that nobody has written to since their own last backup.
struct StillTargetMaps: TargetMaps {
  private let content: StillContent

  /// Makes it over what backups know of disks.
  init(_ content: StillContent) {
    self.content = content
  }

  func map(of target: VPS, device: String, at path: String) async -> TargetMap? {
    // Only raw images are cloned.
    let format = DiskFormat.raw.rawValue
    return await content.index(of: target.id, device: device, at: path, format: format)
      // It is all or nothing: what was written to at all isn't vouched for.
      .map { TargetMap(index: $0, dirty: []) }
  }
}
