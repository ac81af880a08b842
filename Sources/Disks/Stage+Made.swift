import CLinux
import Glibc

extension Stage {
  /// The file of a stage that is being made, open from its first moment on.
  ///
  /// It is never looked for by its name again: whoever is stopped for longer than a lease may find
  /// another file there.
  final class Made: Sendable {
    private let file: Descriptor

    /// Makes an empty file that is open to whom `current` is open, and stamps it.
    ///
    /// - Throws: `io` with `EEXIST` if there is one.
    init(_ path: String, like current: String, stamp: Stamp) throws(DiskError) {
      let source = try Descriptor(current, O_RDONLY | O_NOFOLLOW)
      file = try Descriptor(path, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
      // Stamped first: what a crash leaves behind can then be told and removed.
      try stamp.write(file)
      try FileAttributes.copy(from: source, to: file)
      // Durable before it holds anything: a power failure leaves no content without its stamp, and
      // no journal that says "staged" without its file.
      try file.sync()
      try Descriptor(path.directoryPath, O_RDONLY | O_DIRECTORY).sync()
    }

    /// A path that leads other programs to this very file as long as it is open here.
    var reference: String { file.reference }

    /// Keeps it open until here.
    func keep() { withExtendedLifetime(self) {} }

    /// Makes it share all of `current`'s blocks, which is of that size if one is given; false if that can't be.
    func clone(
      _ current: String,
      size: Int64?,
      by cloning: @escaping Cloning
    ) async throws(DiskError) -> Bool {
      try await BlockingExecutor.files.run { [self] () throws(DiskError) in
        let source = try Descriptor(current, O_RDONLY | O_NOFOLLOW)
        try FileSimulation.tell(.write(path: file.path, file: file.number))
        guard cloning(file.number, source.number) == 0 else {
          guard [EOPNOTSUPP, EXDEV, EINVAL, ENOTTY, EPERM, ENOSPC].contains(errno) else {
            throw DiskError.last("clone", file.path)
          }
          // A file system that ran full in the middle has shared the first part already, and whoever
          // takes the stage for an empty one would leave that where zeros belong.
          guard ftruncate(file.number, 0) == 0 else {
            throw DiskError.last("ftruncate", file.path)
          }
          return false
        }
        let found = try file.status().st_size
        guard size == nil || size == Int64(found) else {
          throw DiskError.io(operation: "clone", path: file.path, errno: EIO)
        }
        return true
      }
    }

    func resize(to size: Int64) async throws(DiskError) {
      try await BlockingExecutor.files.run { [self] () throws(DiskError) in
        try file.resize(to: size)
      }
    }
  }
}
