import CLinux
import FoundationEssentials
import Glibc

/// Finds out who holds a lock of an open file, which the lock itself doesn't tell.
enum LockHolder {
  /// The name and id of another process that has `path` open with a lock on it; best effort.
  static func find(_ path: String) -> String? {
    var wanted = stat()
    guard unsafe stat(path, &wanted) == 0 else { return nil }
    let own = "\(getpid())"
    let files = FileManager.default
    // What can't be looked at belongs to a process that has ended or isn't ours to look at.
    let processes = (try? files.contentsOfDirectory(atPath: "/proc")) ?? []
    for process in processes where Int32(process) != nil && process != own {
      let folder = "/proc/\(process)/fd"
      for number in (try? files.contentsOfDirectory(atPath: folder)) ?? [] {
        var status = stat()
        guard unsafe stat("\(folder)/\(number)", &status) == 0, status.st_dev == wanted.st_dev,
          status.st_ino == wanted.st_ino,
          text("/proc/\(process)/fdinfo/\(number)").contains("lock:")
        else { continue }
        return "\(text("/proc/\(process)/comm").filter { !$0.isNewline }) (\(process))"
      }
    }
    return nil
  }

  private static func text(_ path: String) -> String {
    (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
  }
}
