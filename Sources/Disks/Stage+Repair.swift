import Glibc

extension Stage {
  /// Makes a qcow2 stage sound that its writer wasn't done with, and a plain image, so that it can be gone
  /// on with: what a server that died has left, or the clone of a disk that a guest writes to.
  ///
  /// Clusters that the writer had taken and that nothing refers to yet are free again; what it hadn't
  /// written yet isn't there, as if it had never been asked for. Dirty bitmaps are gone: the disk is about
  /// to hold something else than what they tell of.
  ///
  /// - Parameters:
  ///   - current: The disk that it is for, whose geometry it must have.
  ///   - virtualSize: The size that a guest is to see, in bytes.
  ///   - limit: How long its tables may be looked at.
  /// - Returns: False if it isn't such an image, or not sound, and must be made anew; nil if that can't be
  ///   told now, for somebody uses it or who looks at it was stopped.
  /// - Throws: `stampMismatch` if another file stands there.
  package func repair(
    like current: String,
    virtualSize: Int64,
    within limit: Duration
  ) async throws(DiskError) -> Bool? {
    let wanted = try await Qcow2Header.read(current)
    let found = try await BlockingExecutor.files.run { [self] () throws(DiskError) in
      try Found(self)
    }
    guard let header = found.header, header.virtualSize == virtualSize,
      header.hasGeometry(of: wanted), header.snapshotCount == 0, !header.isCorrupt
    else { return false }
    if header.hasAutoclear { try await found.clearExtensions() }
    let isSound = await QemuImage.freeUnused(in: found.reference, at: path, within: limit)
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

    /// Takes the flags off that keep bitmaps valid; QEMU then drops them and a check frees their clusters.
    ///
    /// Nobody writes to such an image: it is a clone that no server has opened yet.
    func clearExtensions() async throws(DiskError) {
      try await BlockingExecutor.files.run { [self] () throws(DiskError) in
        let place = Qcow2Header.autoclear
        let zeros = [UInt8](repeating: 0, count: place.count)
        try unsafe zeros.span.bytes.withUnsafeBytes { bytes throws(DiskError) in
          try unsafe file.write(bytes, at: Int64(place.lowerBound))
        }
      }
    }

    func sync() async throws(DiskError) {
      try await BlockingExecutor.files.run { [self] () throws(DiskError) in try file.sync() }
    }
  }
}
