/// A disk's two files: the one in place, and the one that is to take its place.
package struct ExchangePair: Sendable, Equatable, Codable {
  /// The job that exchanges them.
  package let job: String
  /// The disk's name in its domain, such as `vda`.
  package let disk: String
  /// The real path that the domain uses.
  package let current: String
  /// The path of the stage, and after the exchange of the old disk.
  package let staged: String

  /// Makes a pair.
  package init(job: String, disk: String, current: String, staged: String) {
    self.job = job
    self.disk = disk
    self.current = current
    self.staged = staged
  }

  /// The mark of the file that the job has made.
  package var new: Stamp { Stamp(role: .new, job: job, disk: disk) }
  /// The mark of the file that was in place before.
  package var old: Stamp { Stamp(role: .old, job: job, disk: disk) }
}

/// Which of a pair's files is in place.
package enum ExchangeState: String, Sendable, Equatable {
  /// The old disk is in place.
  case notDone
  /// The new disk is in place.
  case done
  /// It can't be told: nothing may be exchanged, deleted or started.
  case unknown
}

/// A way to put one disk in another's place in one step that a crash can't halve.
///
/// The journal, the locks, undo and recovery are written against this protocol; files are renamed
/// now, and a definition that names other disks can be another way. Every step may be repeated.
/// What changes a disk wants the lock that keeps QEMU away from both files of the pair.
package protocol DiskExchange: Sendable {
  /// Marks both files of each pair and makes files, marks and names durable.
  func prepare(_ pairs: [ExchangePair], holding lock: ImageLock) async throws(DiskError)
  /// Tells which file is in place, from the marks alone.
  func state(of pair: ExchangePair) async throws(DiskError) -> ExchangeState
  /// Puts the new disk in place; does nothing if it is.
  func exchange(_ pair: ExchangePair, holding lock: ImageLock) async throws(DiskError)
  /// Makes the last exchange durable.
  func sync(_ pair: ExchangePair) async throws(DiskError)
  /// Puts the old disk back in place; does nothing if it is.
  func reverse(_ pair: ExchangePair, holding lock: ImageLock) async throws(DiskError)
}
