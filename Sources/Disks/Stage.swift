import CLinux
import Glibc

/// A disk being made beside the one it is to replace: `.<name>.rehome-<job>`.
package struct Stage: Sendable, Equatable {
  /// Where it is.
  package let path: String
  /// The mark it carries.
  package let stamp: Stamp
  /// Whether it holds what the disk beside it held, sharing its blocks, instead of zeros.
  package let isClone: Bool

  /// Where the stage of `job` for the disk at the real path `current` is.
  package static func path(for current: String, job: String) -> String {
    "\(current.directoryPath)/.\(current.fileName).rehome-\(job)"
  }

  /// Makes a disk beside `current`, stamped as new, open to whom `current` is open: empty, or a clone
  /// of `current` if that is wanted and the file system can.
  ///
  /// - Parameters:
  ///   - current: The real path of the disk to be replaced.
  ///   - format: The format of both; a qcow2 stage has the geometry of the current image.
  ///   - virtualSize: The size that the guest is to see, in bytes.
  ///   - job: The job that it is for.
  ///   - disk: The disk's name in its domain.
  ///   - isCloneWanted: Whether to begin with what `current` holds; only after ``CloneCheck``. The clone of
  ///     a qcow2 is to be made sound before it is opened: ``repair(like:virtualSize:within:)``.
  /// - Returns: The stage.
  /// - Throws: `io` with `EEXIST` if the job has a stage already; see ``existing(for:job:disk:)``.
  package static func create(
    beside current: String,
    format: DiskFormat,
    virtualSize: Int64,
    job: String,
    disk: String,
    isCloneWanted: Bool = false
  ) async throws(DiskError) -> Stage {
    try await create(
      beside: current,
      format: format,
      virtualSize: virtualSize,
      job: job,
      disk: disk,
      isCloneWanted: isCloneWanted,
      cloning: rehome_clone
    )
  }

  /// Makes the first file share all blocks of the second; 0, or -1 with `errno`.
  typealias Cloning = @Sendable (_ file: Int32, _ source: Int32) -> Int32

  /// The same with another way to clone.
  static func create(
    beside current: String,
    format: DiskFormat,
    virtualSize: Int64,
    job: String,
    disk: String,
    isCloneWanted: Bool,
    cloning: @escaping Cloning
  ) async throws(DiskError) -> Stage {
    let path = path(for: current, job: job)
    let stamp = Stamp(role: .new, job: job, disk: disk)
    let header = format == .qcow2 ? try await Qcow2Header.read(current) : nil
    var isClone = false
    do throws(DiskError) {
      let made = try await BlockingExecutor.files.run { () throws(DiskError) in
        try Made(path, like: current, stamp: stamp)
      }
      if isCloneWanted {
        // How long the file of a qcow2 is says nothing; its header is looked at when it is repaired.
        let size = format == .raw ? virtualSize : nil
        isClone = try await made.clone(current, size: size, by: cloning)
      }
      if isClone {
        made.keep()
      } else if let header {
        try await QemuImage.create(made.reference, size: virtualSize, like: header)
        made.keep()
      } else {
        try await made.resize(to: virtualSize)
      }
    } catch .io(let operation, let name, EEXIST) {
      // Another's, or an earlier one: not to be touched.
      throw .io(operation: operation, path: name, errno: EEXIST)
    } catch {
      // Only what is ours still: who was stopped for long finds the former disk there.
      do throws(DiskError) { try await discard(path, expecting: stamp) } catch {}
      throw error
    }
    return Stage(path: path, stamp: stamp, isClone: isClone)
  }

  /// The stage that `job` has made before; nil if there is none, or but the empty beginning of one,
  /// which is removed.
  ///
  /// - Throws: `stampMismatch` if a file stands there that isn't this stage.
  package static func existing(
    for current: String,
    job: String,
    disk: String
  ) async throws(DiskError) -> Stage? {
    let path = path(for: current, job: job)
    let stamp = Stamp(role: .new, job: job, disk: disk)
    do throws(DiskError) {
      let isStamped = try await BlockingExecutor.files.run { () throws(DiskError) in
        let file = try Descriptor(path, O_RDONLY | O_NOFOLLOW)
        guard try isOurs(file, stamp) else { throw DiskError.stampMismatch(path: path) }
        return try file.attribute(Stamp.attribute, longest: Stamp.longest) != nil
      }
      if isStamped { return Stage(path: path, stamp: stamp, isClone: false) }
      try await discard(path, expecting: stamp)
      return nil
    } catch .notFound {
      return nil
    }
  }

  /// Deletes the file at `path` if it carries `stamp` and nobody has it open as a disk.
  ///
  /// A stage whose maker died before it was stamped is empty: under the name of that very job, and
  /// without any stamp, it counts as stamped.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - stamp: What it must be marked with.
  ///   - lock: A lock on the file that the caller holds; without one the file is locked here.
  /// - Returns: False if there was no such file.
  /// - Throws: `stampMismatch` if it is another file, `locked` if somebody uses it.
  @discardableResult
  package static func discard(
    _ path: String,
    expecting stamp: Stamp,
    holding lock: ImageLock? = nil
  ) async throws(DiskError) -> Bool {
    do throws(DiskError) {
      // Read before it is locked too: a foreign file isn't even touched.
      try await BlockingExecutor.files.run { () throws(DiskError) in
        guard try isOurs(Descriptor(path, O_RDONLY | O_NOFOLLOW), stamp) else {
          throw DiskError.stampMismatch(path: path)
        }
      }
      if let lock {
        try await unlinkStamped(path, stamp, lock)
      } else {
        let lock = try await ImageLock.exclusive([path])
        defer { lock.release() }
        try await unlinkStamped(path, stamp, lock)
      }
      return true
    } catch .notFound {
      return false
    }
  }

  private static func unlinkStamped(
    _ path: String,
    _ stamp: Stamp,
    _ lock: ImageLock
  ) async throws(DiskError) {
    try await BlockingExecutor.files.run { () throws(DiskError) in
      let file = try Descriptor(path, O_RDONLY | O_NOFOLLOW)
      guard lock.covers(path), try isOurs(file, stamp) else {
        throw DiskError.stampMismatch(path: path)
      }
      try FileName.remove(path)
      try Descriptor(path.directoryPath, O_RDONLY | O_DIRECTORY).sync()
    }
  }

  /// Whether a file is what `stamp` says, or the empty beginning of it.
  private static func isOurs(
    _ file: borrowing Descriptor,
    _ stamp: Stamp
  ) throws(DiskError) -> Bool {
    guard try file.attribute(Stamp.attribute, longest: Stamp.longest) == nil else {
      return try Stamp.read(file) == stamp
    }
    let isEmpty = try file.status().st_size == 0
    return isEmpty && stamp.role == .new && file.path.hasSuffix(".rehome-\(stamp.job)")
  }
}
