/// Finds out whether a file system keeps access times that are set on purpose.
///
/// Garbage collection removes chunks with an old access time, so that where setting it does
/// nothing, it would remove chunks in use.
enum TimestampProbe {
  /// What is seen of a file before and after its access time was set twice.
  struct Observation {
    var created: FileStatus
    var afterOldTime: FileStatus
    var afterNow: FileStatus
  }

  /// A time that no new file has: some second in 1970.
  static let oldTime = 86_400

  /// Throws `timestampsIgnored` unless the file system of `directory` passes.
  static func run(in directory: String, _ files: FileCalls) throws(DatastoreError) {
    let name = String(UInt64.random(in: 0...UInt64.max), radix: 16)
    let path = "\(directory)/.rehome-probe-\(name)"
    try files.create(path, [], sync: false)
    let verdict = Result { () throws(DatastoreError) in try observe(path, files) }
    try files.removeFile(path)
    guard isKept(try verdict.get()) else { throw .timestampsIgnored }
  }

  /// Whether what was seen is what was set, with the modification time left alone.
  static func isKept(_ seen: Observation) -> Bool {
    seen.afterOldTime.accessSeconds == oldTime
      && seen.afterNow.accessSeconds >= seen.created.modificationSeconds
      && seen.afterOldTime.modificationSeconds == seen.created.modificationSeconds
      && seen.afterNow.modificationSeconds == seen.created.modificationSeconds
  }

  private static func observe(
    _ path: String,
    _ files: FileCalls
  ) throws(DatastoreError) -> Observation {
    let created = try files.status(path)
    _ = try files.setAccessTime(path, seconds: oldTime)
    let afterOldTime = try files.status(path)
    _ = try files.touch(path)
    let afterNow = try files.status(path)
    guard let created, let afterOldTime, let afterNow else { throw .timestampsIgnored }
    return Observation(created: created, afterOldTime: afterOldTime, afterNow: afterNow)
  }
}
