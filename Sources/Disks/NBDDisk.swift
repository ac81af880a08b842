import Glibc
package import NBD
import Synchronization

/// A disk that an NBD server on a unix socket exports.
package final class NBDDisk: BlockDevice {
  package let size: Int64

  private let path: String
  private let state: Mutex<State>
  private let slots: AsyncSlots
  private let threads: BlockingExecutor

  /// Connections to one server, and so its requests at the same time.
  package static let widestConnection = 4

  private struct State {
    var all: [NBDConnection]
    var idle: [NBDConnection]
    /// A flush failed: what is on the disk is unknown.
    var failure: DiskError?
  }

  /// Connects to an export; several times if the server keeps one cache for all connections.
  ///
  /// - Parameters:
  ///   - socket: The path of the server's socket.
  ///   - export: The name of the export.
  ///   - path: What to call the disk in errors; the socket if nil.
  ///   - connections: How many connections to open at most.
  ///   - contexts: Further metadata contexts to ask about.
  /// - Returns: The open disk, to be closed by the caller.
  /// - Throws: `io` if the server, or its export, can't be had.
  package static func open(
    socket: String,
    export: String,
    path: String? = nil,
    connections: Int = widestConnection,
    contexts: [String] = []
  ) async throws(DiskError) -> NBDDisk {
    let name = path ?? socket
    let contexts = [NBDExtent.allocation] + contexts
    let isUnwanted = Cancellation()
    let result = await withTaskCancellationHandler {
      await BlockingExecutor.servers.run { () -> Result<NBDDisk, DiskError> in
        do throws(NBDError) {
          func connect() throws(NBDError) -> NBDConnection {
            try NBDConnection(
              socket: socket,
              export: export,
              contexts: contexts,
              unless: { isUnwanted.hasCome }
            )
          }
          let first = try connect()
          var all = [first]
          while first.sharesCache && all.count < connections { all.append(try connect()) }
          return .success(NBDDisk(path: name, connections: all, size: first.size))
        } catch {
          return .failure(DiskError(error, path: name))
        }
      }
    } onCancel: {
      isUnwanted.come()
    }
    return try result.get()
  }

  /// Tells a thread that its task is cancelled.
  private final class Cancellation: Sendable {
    private let flag = Atomic<Bool>(false)

    var hasCome: Bool { flag.load(ordering: .acquiring) }

    func come() { flag.store(true, ordering: .releasing) }
  }

  private init(path: String, connections: [NBDConnection], size: Int64) {
    self.path = path
    self.size = size
    state = Mutex(State(all: connections, idle: connections))
    slots = AsyncSlots(count: connections.count)
    threads = BlockingExecutor(label: "rehome.disks.nbd", width: connections.count)
  }

  package func read(
    at offset: Int64,
    into buffer: AlignedBuffer,
    count: Int
  ) async throws(DiskError) {
    try check(offset, Int64(count), path: path)
    try await perform { connection throws(NBDError) in
      try buffer.withMutableBytes(count) { bytes throws(NBDError) in
        try connection.read(into: &bytes, at: offset)
      }
    }
  }

  package func write(
    at offset: Int64,
    from buffer: AlignedBuffer,
    part: Range<Int>
  ) async throws(DiskError) {
    try check(offset, Int64(part.count), path: path)
    try await perform { connection throws(NBDError) in
      try buffer.withBytes(part.upperBound) { bytes throws(NBDError) in
        try connection.write(bytes.extracting(part), at: offset)
      }
    }
  }

  package func zero(at offset: Int64, count: Int64) async throws(DiskError) {
    try check(offset, count, path: path)
    try await perform { connection throws(NBDError) in
      try connection.zero(at: offset, count: count)
    }
  }

  package func extents(in range: Range<Int64>) async throws(DiskError) -> [Extent] {
    try await blockStatus(of: range, context: NBDExtent.allocation).map {
      Extent(range: $0.range, isZero: $0.isZero)
    }
  }

  /// What the server says about `range` in one of the metadata contexts asked for when opening.
  package func blockStatus(
    of range: Range<Int64>,
    context: String
  ) async throws(DiskError) -> [NBDExtent] {
    try check(range.lowerBound, Int64(range.count), path: path)
    return try await perform { connection throws(NBDError) in
      try connection.blockStatus(of: range, context: context)
    }
  }

  /// The parts of `range` that a dirty bitmap marks, in order.
  ///
  /// The context is the bitmap's, and was asked for when opening.
  ///
  /// - Throws: `unsupported` if the server doesn't offer it: silence would mean "nothing changed".
  package func dirtyRanges(
    in range: Range<Int64>,
    context: String
  ) async throws(DiskError) -> [Range<Int64>] {
    try check(range.lowerBound, Int64(range.count), path: path)
    let isOffered = state.withLock { state in
      !state.all.isEmpty && state.all.allSatisfy { $0.offers(context) }
    }
    guard isOffered else { throw DiskError.unsupported(reason: "the server has no such bitmap") }
    return try await blockStatus(of: range, context: context)
      .filter { $0.flags & NBDExtent.dirty != 0 }
      .map(\.range)
  }

  package func flush() async throws(DiskError) {
    do throws(DiskError) {
      try await perform { [self] _ throws(NBDError) in
        // Each connection's own writes at least, whatever the server promised about sharing.
        for connection in state.withLock({ $0.all }) where !connection.isReadOnly {
          try connection.flush()
        }
      }
    } catch .closed {
      throw .closed
    } catch {
      state.withLock { $0.failure = $0.failure ?? error }
      throw error
    }
  }

  /// Says goodbye to the server; what wasn't flushed is as durable as the server made it.
  package func close() async throws(DiskError) {
    let connections = state.withLock { state in
      defer { state.all = [] }
      return state.all
    }
    guard !connections.isEmpty else { return }
    // A server that is gone can't be said goodbye to, and nothing depends on it.
    await threads.run { for connection in connections { try? connection.shutdown() } }
  }

  /// Cuts the connections at once, also under requests that wait for an answer: they fail.
  ///
  /// The disk is still to be closed.
  package func hangUp() {
    for connection in state.withLock({ $0.all }) { connection.hangUp() }
  }

  private func perform<Value: Sendable>(
    _ body: @escaping @Sendable (NBDConnection) throws(NBDError) -> Value
  ) async throws(DiskError) -> Value {
    await slots.acquire()
    let lent = state.withLock { state -> Result<NBDConnection, DiskError> in
      if let failure = state.failure { return .failure(failure) }
      guard !state.all.isEmpty, let connection = state.idle.popLast() else {
        return .failure(.closed)
      }
      return .success(connection)
    }
    let path = path
    let result: Result<Value, DiskError>
    do throws(DiskError) {
      let connection = try lent.get()
      result = await threads.run {
        do throws(NBDError) {
          return .success(try body(connection))
        } catch {
          return .failure(DiskError(error, path: path))
        }
      }
      state.withLock { $0.idle.append(connection) }
    } catch {
      result = .failure(error)
    }
    slots.release()
    return try result.get()
  }
}

extension DiskError {
  /// A failure of the server of the disk at `path`.
  init(_ error: NBDError, path: String) {
    self = .of("nbd " + error.operation, path, error.errno == 0 ? EIO : error.errno)
  }
}
