package import Model

/// A disk, and the clone that was just made of it.
package struct ClonedDisk: Sendable {
  /// The device's name in the domain.
  package var device: String
  /// The image's own path, without links.
  package var path: String
  /// The format of both.
  package var format: DiskFormat
  /// Where the clone is, in which nothing has been written to yet.
  package var clonePath: String
  /// How often the guest had flushed the disk just before; nil: it didn't run, or it isn't known.
  package var flushCount: Int64?
  /// The restore that made it.
  package var job: JobID

  /// Makes it of its parts.
  package init(
    device: String,
    path: String,
    format: DiskFormat,
    clonePath: String,
    flushCount: Int64?,
    job: JobID
  ) {
    self.device = device
    self.path = path
    self.format = format
    self.clonePath = clonePath
    self.flushCount = flushCount
    self.job = job
  }
}
