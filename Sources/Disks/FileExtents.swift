import CLinux
import Glibc

/// How a file lies on its file system.
enum FileExtents {
  /// How many pieces the file at `path` is in; nil where the file system can't tell.
  static func count(_ path: String) throws(DiskError) -> Int? {
    let file = try Descriptor(path, O_RDONLY | O_NOFOLLOW)
    let count = rehome_extent_count(file.number)
    guard count < 0 else { return Int(count) }
    guard errno == EOPNOTSUPP || errno == ENOTTY else { throw DiskError.last("FIEMAP", path) }
    return nil
  }
}
