/// How urgent a job's disk I/O is to the kernel.
///
/// Stored and in the configuration: append only.
package enum IOPriority: String, Sendable, Codable, CaseIterable {
  /// Only when nobody else wants the disk.
  case idle
  /// After everybody of normal priority.
  case low
  /// As any process.
  case normal
}

/// How much of its host a job may take.
package struct JobLimits: Sendable, Equatable, Codable {
  /// Bytes a second that go through the job's disks; nil: as many as there are.
  package var bytesPerSecond: Int64?
  /// How urgent its disk I/O is; nil: as the installation says.
  package var ioPriority: IOPriority?

  /// Makes limits; the default has none.
  package init(bytesPerSecond: Int64? = nil, ioPriority: IOPriority? = nil) {
    self.bytesPerSecond = bytesPerSecond
    self.ioPriority = ioPriority
  }
}
