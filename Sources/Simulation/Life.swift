import Datastore
import Disks
import Glibc
import Model
import Synchronization
import TestSupport

/// One worker process, from its start to its end.
///
/// A dead one's code still runs until it has unwound, but nothing that it does is done.
final class Life: FileObserver {
  /// Whose code is running; nil: that of nobody who can die.
  @TaskLocal static var current: Life?

  private struct State {
    var store: LocalDatastore?
    var end: Happening?
    var frozenUntil: Duration?
  }

  let number: Int
  /// Says something when it is frozen.
  let freezes: AsyncStream<Void>
  /// Says something when it is dead.
  let deaths: AsyncStream<Void>
  private let freezeSignal: AsyncStream<Void>.Continuation
  private let deathSignal: AsyncStream<Void>.Continuation
  private let course: Course
  private let state = Mutex(State())

  init(number: Int, course: Course) {
    self.number = number
    self.course = course
    (freezes, freezeSignal) = AsyncStream.makeStream()
    (deaths, deathSignal) = AsyncStream.makeStream()
  }

  /// How it ended; nil: not yet, or well.
  var end: Happening? { state.withLock { $0.end } }
  var isDead: Bool { end != nil }

  /// The datastore as this process has it open.
  var store: LocalDatastore? { state.withLock { $0.store } }

  /// Opens the datastore, or lets go of it.
  func setStore(_ store: LocalDatastore?) { state.withLock { $0.store = store } }

  func end(_ happening: Happening) {
    state.withLock { $0.end = happening }
    deathSignal.yield()
  }

  /// Stops it for longer than its lease lasts.
  func freeze() {
    let until = course.clock.uptime + Limits.leaseDuration + .seconds(5)
    state.withLock { $0.frozenUntil = until }
    freezeSignal.yield()
  }

  /// Waits until it isn't frozen.
  func thaw() async {
    while let until = state.withLock({ $0.frozenUntil }), course.clock.uptime < until {
      guard await course.clock.timer.isAwake(after: .seconds(1)) else { return }
    }
  }

  func before(_ effect: FileEffect) throws(DiskError) {
    if case .read(let path) = effect {
      guard !isDead else { throw Self.gone(path) }
    } else {
      guard course.step(self, "file: \(effect.words)") else { throw Self.gone(effect.path) }
    }
    if course.take({ $0 == .diskFailed }) != nil {
      throw .io(operation: "simulated", path: effect.path, errno: EIO)
    }
    if effect.needsRoom, course.take({ $0 == .diskFull }) != nil {
      throw .outOfSpace(path: effect.path)
    }
    course.unsynced.note(effect)
  }

  func turn() async {
    await thaw()
    await course.executor.turn()
  }

  private static func gone(_ path: String) -> DiskError {
    .io(operation: "end of the process", path: path, errno: EIO)
  }
}

extension FileEffect {
  var path: String {
    switch self {
    case .read(let path), .create(let path), .write(let path, _), .resize(let path, _),
      .mark(let path, _), .sync(let path, _), .remove(let path), .exchange(let path, _),
      .rename(let path, _), .makeDirectory(let path), .removeDirectory(let path),
      .syncAll(let path):
      path
    }
  }

  var words: String {
    switch self {
    case .read(let path): "read \(path)"
    case .create(let path): "create \(path)"
    case .write(let path, _): "write \(path)"
    case .resize(let path, _): "resize \(path)"
    case .mark(let path, _): "mark \(path)"
    case .sync(let path, _): "sync \(path)"
    case .remove(let path): "remove \(path)"
    case .exchange(let first, let second): "exchange \(first) and \(second)"
    case .rename(let path, let target): "rename \(path) to \(target)"
    case .makeDirectory(let path): "make \(path)"
    case .removeDirectory(let path): "remove the folder \(path)"
    case .syncAll(let path): "sync all of \(path)"
    }
  }

  var needsRoom: Bool {
    switch self {
    case .create, .write, .resize, .makeDirectory: true
    case .read, .mark, .sync, .remove, .exchange, .rename, .removeDirectory, .syncAll: false
    }
  }
}
