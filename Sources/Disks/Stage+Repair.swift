import Glibc

extension Stage {
  /// Makes what a server that died has left of a qcow2 stage sound, so that it can be gone on with.
  ///
  /// Clusters that the server had taken and that nothing refers to yet are free again. What it hadn't
  /// written yet reads as zeros, as if it had never been asked for.
  ///
  /// - Parameters:
  ///   - current: The disk that it is for, whose geometry it must have.
  ///   - virtualSize: The size that a guest is to see, in bytes.
  /// - Returns: False if it isn't such an image, or not sound, and must be made anew; nil if that can't be
  ///   told now, for somebody uses it or who looks at it was stopped.
  /// - Throws: `stampMismatch` if another file stands there.
  package func repair(
    like current: String,
    virtualSize: Int64
  ) async throws(DiskError) -> Bool? {
    let wanted = try await Qcow2Header.read(current)
    let found = try await BlockingExecutor.files.run { [self] () throws(DiskError) in
      try Found(self)
    }
    guard let header = found.header, header.virtualSize == virtualSize,
      header.hasGeometry(of: wanted), header.snapshotCount == 0, !header.isCorrupt
    else { return false }
    let isSound = await QemuImage.freeUnused(in: found.reference, at: path)
    // A server flushes what it has written itself, not what the one before it had.
    if isSound == true { try await found.sync() }
    return isSound
  }

  /// A stage that is there, open: what stands at its path may be another file a moment later.
  private final class Found: Sendable {
    /// What it says it is; nil: no image that may be opened.
    let header: Qcow2Header?
    private let file: Descriptor

    init(_ stage: Stage) throws(DiskError) {
      file = try Descriptor(stage.path, O_RDWR | O_NOFOLLOW)
      guard try Stamp.read(file) == stage.stamp else {
        throw DiskError.stampMismatch(path: stage.path)
      }
      let bytes = try file.beginning(Qcow2Header.longest)
      header = try? Qcow2Header(bytes)
    }

    var reference: String { file.reference }

    func sync() async throws(DiskError) {
      try await BlockingExecutor.files.run { [self] () throws(DiskError) in try file.sync() }
    }
  }
}
