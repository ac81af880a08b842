import CLinux
import Glibc

/// Exchanges two regular files of one file system by swapping their names.
package struct RenameExchange: DiskExchange {
  /// Makes the exchange; it holds nothing.
  package init() {}

  package func prepare(
    _ pairs: [ExchangePair],
    holding lock: ImageLock
  ) async throws(DiskError) {
    try await BlockingExecutor.files.run { () throws(DiskError) in
      // All are looked at before the first is marked.
      for pair in pairs { try Self.requireExchangeable(pair, lock) }
      for pair in pairs where try Self.state(of: pair) != .done { try Self.mark(pair) }
    }
  }

  package func state(of pair: ExchangePair) async throws(DiskError) -> ExchangeState {
    try await BlockingExecutor.files.run { () throws(DiskError) in try Self.state(of: pair) }
  }

  package func exchange(_ pair: ExchangePair, holding lock: ImageLock) async throws(DiskError) {
    try await BlockingExecutor.files.run { () throws(DiskError) in
      try Self.swap(pair, from: .notDone, incoming: pair.new, lock)
    }
  }

  package func sync(_ pair: ExchangePair) async throws(DiskError) {
    try await BlockingExecutor.files.run { () throws(DiskError) in
      for directory in Set([pair.current.directoryPath, pair.staged.directoryPath]) {
        try Descriptor(directory, O_RDONLY | O_DIRECTORY).sync()
      }
    }
  }

  package func reverse(_ pair: ExchangePair, holding lock: ImageLock) async throws(DiskError) {
    try await BlockingExecutor.files.run { () throws(DiskError) in
      try Self.swap(pair, from: .done, incoming: pair.old, lock)
    }
  }

  // MARK: - Steps

  private static func state(of pair: ExchangePair) throws(DiskError) -> ExchangeState {
    do throws(DiskError) {
      let stamp = try Stamp.read(Descriptor(pair.current, O_RDONLY | O_NOFOLLOW))
      return stamp == pair.new ? .done : stamp == pair.old ? .notDone : .unknown
    } catch .notFound {
      return .unknown
    } catch .io(_, _, ELOOP) {
      return .unknown
    }
  }

  private static func requireExchangeable(
    _ pair: ExchangePair,
    _ lock: ImageLock
  ) throws(DiskError) {
    for path in [pair.current, pair.staged] {
      switch try DiskQualification.obstacle(path) {
      case nil: break
      case .missing: throw DiskError.notFound(path: path)
      case let reason?: throw DiskError.unsupported(reason: "\(path): \(reason.rawValue)")
      }
      // Whoever changed which file stands here did so behind the lock's back.
      guard lock.covers(path) else { throw DiskError.stampMismatch(path: path) }
    }
  }

  private static func mark(_ pair: ExchangePair) throws(DiskError) {
    let staged = try Descriptor(pair.staged, O_RDONLY | O_NOFOLLOW)
    let current = try Descriptor(pair.current, O_RDONLY | O_NOFOLLOW)
    switch try Stamp.read(staged) {
    case nil: try pair.new.write(staged)
    case pair.new?: break
    default: throw DiskError.stampMismatch(path: pair.staged)
    }
    // What an earlier job left on the disk in place says nothing any more.
    try pair.old.write(current)
    try staged.sync()
    try current.sync()
    for directory in Set([pair.current.directoryPath, pair.staged.directoryPath]) {
      try Descriptor(directory, O_RDONLY | O_DIRECTORY).sync()
    }
  }

  private static func swap(
    _ pair: ExchangePair,
    from before: ExchangeState,
    incoming: Stamp,
    _ lock: ImageLock
  ) throws(DiskError) {
    let state = try state(of: pair)
    guard state != .unknown else { throw DiskError.stampMismatch(path: pair.current) }
    guard state == before else { return }
    try requireExchangeable(pair, lock)
    guard try Stamp.read(Descriptor(pair.staged, O_RDONLY | O_NOFOLLOW)) == incoming else {
      throw DiskError.stampMismatch(path: pair.staged)
    }
    try FileName.exchange(pair.current, pair.staged)
  }
}
