import Disks
import Foundation
import Synchronization

/// A lock file of this host, held until it is released or the process ends.
///
/// The file stays: if it were removed, two processes could each hold the lock of a file that has
/// had this path.
final class HostLock: Sendable {
  private static let executor = BlockingExecutor(label: "rehome.jobs.locks", width: 2)

  private let path: String
  private let file: UInt64
  private let lock: Mutex<RecordLock?>

  private init(path: String, file: UInt64, lock: RecordLock) {
    self.path = path
    self.file = file
    self.lock = Mutex(lock)
  }

  /// Takes the lock without waiting.
  ///
  /// A directory that somebody has removed is made again: without it no job of the node would ever
  /// begin, until the next start.
  static func take(_ path: String) async throws(RecordLock.Failure) -> HostLock {
    try await executor.run { () throws(RecordLock.Failure) in
      let lock: RecordLock
      do throws(RecordLock.Failure) {
        lock = try RecordLock(path: path, mode: .exclusive)
      } catch .io(_, _, ENOENT) {
        try? make(directory: (path as NSString).deletingLastPathComponent)
        lock = try RecordLock(path: path, mode: .exclusive)
      }
      guard let file = number(of: path) else {
        throw .io(operation: "stat", path: path, errno: ENOENT)
      }
      return HostLock(path: path, file: file, lock: lock)
    }
  }

  /// Lets go of the lock.
  func release() {
    lock.withLock { $0 = nil }
  }

  /// Whether the file at the path is still the one that was locked, and is locked.
  func isHeld() async -> Bool {
    guard lock.withLock({ $0 != nil }) else { return false }
    let (path, file) = (path, file)
    return await Self.executor.run {
      guard Self.number(of: path) == file else { return false }
      do throws(RecordLock.Failure) {
        // Our own lock keeps this one away. If nothing does, the one that we hold is of a file
        // that is gone.
        _ = try RecordLock(path: path, mode: .exclusive)
        return false
      } catch {
        return error == .busy(path: path)
      }
    }
  }

  /// Makes the directory that lock files are in.
  static func makeDirectory(_ path: String) async throws {
    try await executor.run { try make(directory: path) }
  }

  private static func make(directory: String) throws {
    try FileManager.default.createDirectory(
      atPath: directory,
      withIntermediateDirectories: true,
      attributes: [.posixPermissions: 0o700]
    )
  }

  private static func number(of path: String) -> UInt64? {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    return (attributes?[.systemFileNumber] as? NSNumber)?.uint64Value
  }
}
