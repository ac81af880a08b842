/// One thing that is about to be done to a file.
package enum FileEffect: Sendable, Equatable {
  /// Bytes are read.
  case read(path: String)
  /// A file that must not be there is made.
  case create(path: String)
  /// Bytes of an open file are written, or made zero.
  case write(path: String, file: Int32)
  /// An open file gets another length.
  case resize(path: String, file: Int32)
  /// An open file gets another mark, owner or mode.
  case mark(path: String, file: Int32)
  /// An open file's content, or an open directory's names, are made durable.
  case sync(path: String, file: Int32)
  /// A name is removed.
  case remove(path: String)
  /// Two names are exchanged.
  case exchange(String, String)
  /// A file gets another name, which may be that of a file that goes.
  case rename(String, to: String)
  /// A directory that isn't there is made.
  case makeDirectory(path: String)
  /// A directory that is empty is removed.
  case removeDirectory(path: String)
  /// Everything on the file system of a directory is made durable.
  case syncAll(path: String)
}

/// What a simulation puts between the calls on files and the kernel.
package protocol FileObserver: Sendable {
  /// Called before each effect; what it throws happens in the effect's place.
  func before(_ effect: FileEffect) throws(DiskError)
  /// Called before a call that would block its thread, which in a simulation isn't left; others may
  /// have their turn.
  func turn() async
}

/// Whether the current task is simulated; nothing outside tests and simulations ever says so.
///
/// With it one process can die at each effect, lose what it has not made durable and see disks fail,
/// a thousand times a minute, with the code and the files that a real one has.
package enum FileSimulation {
  /// Who watches the current task's calls; nil: they are real.
  @TaskLocal package static var observer: (any FileObserver)?

  /// Says what is about to be done, and throws what happens in its place.
  package static func tell(_ effect: @autoclosure () -> FileEffect) throws(DiskError) {
    guard let observer else { return }
    try observer.before(effect())
  }
}
