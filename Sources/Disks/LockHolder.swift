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
      // Asked first: when it is its own program, the copies are closed, or will be in a moment.
      if isBeginning(process) { continue }
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

  /// Whether `process` is a child of ours that hasn't become its own program yet.
  ///
  /// Until then it has a copy of all that we have open, locks included, and the name of one of our
  /// threads; whoever was told of it would look for a process that is gone.
  private static func isBeginning(_ process: String) -> Bool {
    // The name, in brackets, may hold brackets and spaces; the state and the parent follow it.
    let fields = text("/proc/\(process)/stat").split(separator: ")").last?.split(separator: " ")
    guard let fields, fields.count > 1, fields[1] == "\(getpid())" else { return false }
    let files = FileManager.default
    return (try? files.destinationOfSymbolicLink(atPath: "/proc/\(process)/exe"))
      == (try? files.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
  }

  private static func text(_ path: String) -> String {
    (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
  }
}
