import CLibnbd
import Glibc

/// One connection to one export of an NBD server; every call blocks until the server answers.
///
/// Calls may come from any thread, one after another: libnbd serialises them on a lock of the
/// handle. For requests at the same time open several connections.
@safe
package final class NBDConnection: Sendable {
  /// The size of the export in bytes.
  package let size: Int64
  /// Whether a flush on one connection covers what was written on another.
  package let sharesCache: Bool
  /// Whether the server refuses writes.
  package let isReadOnly: Bool

  // libnbd locks the handle itself; only `deinit` closes it.
  private nonisolated(unsafe) let handle: OpaquePointer
  /// A second descriptor of the socket, or -1: libnbd's own is its to close, and its lock is held by
  /// whoever waits for an answer.
  private let line: Int32
  private let canZero: Bool
  private let canFlush: Bool

  /// The longest write or read of one request in bytes: what every server takes.
  package static let longestTransfer = 32 << 20
  /// How often a connection is given the chance to be unwanted before it is ready.
  private static let lookInterval = Duration.milliseconds(100)
  /// The longest range of one zero or status request in bytes, below the protocol's 32 bits.
  static let longestRange: Int64 = 1 << 30

  /// Connects to `export` of the server that listens on the unix socket at `socket`.
  ///
  /// - Parameters:
  ///   - socket: The path of the socket.
  ///   - export: The name of the export.
  ///   - contexts: The metadata contexts that `blockStatus` will be asked for.
  ///   - limit: How long the server may take until it is ready for requests.
  ///   - isUnwanted: Asked while it does, and ends the wait.
  /// - Throws: What libnbd or the server said.
  package init(
    socket: String,
    export: String,
    contexts: [String] = [NBDExtent.allocation],
    within limit: Duration = .seconds(60),
    unless isUnwanted: () -> Bool = { false }
  ) throws(NBDError) {
    guard let handle = unsafe nbd_create() else { throw NBDError.last("create") }
    do throws(NBDError) {
      try unsafe Self.connect(handle, socket: socket, export: export, contexts: contexts)
      try unsafe Self.finishHandshake(handle, within: limit, unless: isUnwanted)
      let size = unsafe nbd_get_size(handle)
      guard size >= 0 else { throw NBDError.last("get_size") }
      self.size = size
    } catch {
      unsafe nbd_close(handle)
      throw error
    }
    sharesCache = unsafe nbd_can_multi_conn(handle) == 1
    isReadOnly = unsafe nbd_is_read_only(handle) == 1
    canZero = unsafe nbd_can_zero(handle) == 1
    canFlush = unsafe nbd_can_flush(handle) == 1
    line = unsafe fcntl(nbd_aio_get_fd(handle), F_DUPFD_CLOEXEC, 0)
    unsafe self.handle = handle
  }

  deinit {
    unsafe nbd_close(handle)
    if line >= 0 { close(line) }
  }

  /// Cuts the connection, whatever waits for an answer on it: that fails, as does all that follows.
  package func hangUp() {
    // Without a line there is nothing to cut; the server's end does the same.
    if line >= 0 { _ = Glibc.shutdown(line, Int32(SHUT_RDWR)) }
  }

  @unsafe
  private static func connect(
    _ handle: OpaquePointer,
    socket: String,
    export: String,
    contexts: [String]
  ) throws(NBDError) {
    // The buffers are ours and are filled by every read that succeeds.
    guard unsafe nbd_set_pread_initialize(handle, false) == 0 else {
      throw NBDError.last("set_pread_initialize")
    }
    guard unsafe nbd_set_export_name(handle, export) == 0 else {
      throw NBDError.last("set_export_name")
    }
    for context in contexts {
      guard unsafe nbd_add_meta_context(handle, context) == 0 else {
        throw NBDError.last("add_meta_context")
      }
    }
    guard unsafe nbd_aio_connect_unix(handle, socket) == 0 else {
      throw NBDError.last("connect_unix")
    }
  }

  /// Waits for the server's greeting; one that hangs takes connections and says nothing.
  @unsafe
  private static func finishHandshake(
    _ handle: OpaquePointer,
    within limit: Duration,
    unless isUnwanted: () -> Bool
  ) throws(NBDError) {
    let deadline = ContinuousClock.now + limit
    while unsafe nbd_aio_is_ready(handle) != 1 {
      let left = ContinuousClock.now.duration(to: deadline)
      guard left > .zero, !isUnwanted() else {
        throw NBDError(
          operation: "connect_unix",
          errno: ETIMEDOUT,
          message: "the server doesn't answer"
        )
      }
      let milliseconds = Int32(min(left, lookInterval) / .milliseconds(1)) + 1
      // Fails as well if the connection has ended.
      guard unsafe nbd_poll(handle, milliseconds) >= 0 else { throw NBDError.last("connect_unix") }
    }
  }

  /// Fills `bytes` from `offset` on.
  package func read(into bytes: inout MutableRawSpan, at offset: Int64) throws(NBDError) {
    try unsafe bytes.withUnsafeMutableBytes { target throws(NBDError) in
      var done = 0
      while done < target.count {
        let part = min(target.count - done, Self.longestTransfer)
        guard
          unsafe nbd_pread(
            handle,
            target.baseAddress.map { unsafe $0 + done },
            part,
            UInt64(offset) + UInt64(done),
            0
          ) == 0
        else { throw NBDError.last("pread") }
        done += part
      }
    }
  }

  /// Writes `bytes` at `offset`.
  package func write(_ bytes: RawSpan, at offset: Int64) throws(NBDError) {
    try unsafe bytes.withUnsafeBytes { source throws(NBDError) in
      var done = 0
      while done < source.count {
        let part = min(source.count - done, Self.longestTransfer)
        guard
          unsafe nbd_pwrite(
            handle,
            source.baseAddress.map { unsafe $0 + done },
            part,
            UInt64(offset) + UInt64(done),
            0
          ) == 0
        else { throw NBDError.last("pwrite") }
        done += part
      }
    }
  }

  /// Makes a range read as zeros; the server may free the blocks under it.
  package func zero(at offset: Int64, count: Int64) throws(NBDError) {
    guard canZero else { return try writeZeros(at: offset, count: count) }
    var done: Int64 = 0
    while done < count {
      let part = min(count - done, Self.longestRange)
      guard unsafe nbd_zero(handle, UInt64(part), UInt64(offset + done), 0) == 0 else {
        throw NBDError.last("zero")
      }
      done += part
    }
  }

  private func writeZeros(at offset: Int64, count: Int64) throws(NBDError) {
    let zeros = [UInt8](repeating: 0, count: Int(min(count, 1 << 20)))
    var done: Int64 = 0
    while done < count {
      let part = Int(min(count - done, Int64(zeros.count)))
      try unsafe write(zeros.span.bytes.extracting(first: part), at: offset + done)
      done += Int64(part)
    }
  }

  /// Makes what was written durable; a server that can't promise that is an error.
  package func flush() throws(NBDError) {
    guard canFlush else {
      throw NBDError(operation: "flush", errno: ENOTSUP, message: "the server can't flush")
    }
    guard unsafe nbd_flush(handle, 0) == 0 else { throw NBDError.last("flush") }
  }

  /// Says goodbye to the server, which then knows that nothing more will come.
  package func shutdown() throws(NBDError) {
    guard unsafe nbd_shutdown(handle, 0) == 0 else { throw NBDError.last("shutdown") }
  }

  /// Whether the server answers questions about a metadata context that was asked for.
  package func offers(_ context: String) -> Bool {
    unsafe nbd_can_meta_context(handle, context) == 1
  }

  /// What the server says about `range` in one metadata context, without gaps, in order.
  ///
  /// A server that doesn't know the context is answered for: one extent with no flag set, which
  /// means data in `base:allocation`.
  package func blockStatus(
    of range: Range<Int64>,
    context: String = NBDExtent.allocation
  ) throws(NBDError) -> [NBDExtent] {
    guard !range.isEmpty else { return [] }
    guard unsafe nbd_can_meta_context(handle, context) == 1 else {
      return [NBDExtent(range: range, flags: 0)]
    }
    var extents: [NBDExtent] = []
    var position = range.lowerBound
    while position < range.upperBound {
      let asked = position..<min(range.upperBound, position + Self.longestRange)
      let answer = try ask(asked, context: context)
      guard let end = answer.last?.range.upperBound, end > position else {
        throw NBDError(operation: "block_status", errno: EPROTO, message: "no progress")
      }
      NBDExtent.append(answer, to: &extents)
      position = end
    }
    return extents
  }

  private func ask(_ range: Range<Int64>, context: String) throws(NBDError) -> [NBDExtent] {
    var collector = ExtentCollector(range: range, context: context)
    let result = unsafe withUnsafeMutablePointer(to: &collector) { collector in
      let callback = unsafe rehome_nbd_extent_callback(
        { data, context, offset, entries, count, _ in
          guard let data = unsafe data, let context = unsafe context, let entries = unsafe entries
          else { return 0 }
          unsafe data.assumingMemoryBound(to: ExtentCollector.self).pointee.take(
            context: String(cString: context),
            offset: offset,
            entries: UnsafeBufferPointer(start: entries, count: count)
          )
          return 0
        },
        collector
      )
      return unsafe nbd_block_status(
        handle,
        UInt64(range.upperBound - range.lowerBound),
        UInt64(range.lowerBound),
        callback,
        0
      )
    }
    guard result == 0 else { throw NBDError.last("block_status") }
    return collector.extents
  }
}

/// Gathers the answer to one status request, whatever the server puts into it.
private struct ExtentCollector {
  let range: Range<Int64>
  let context: String
  var extents: [NBDExtent] = []

  init(range: Range<Int64>, context: String) {
    self.range = range
    self.context = context
  }

  @unsafe
  mutating func take(context: String, offset: UInt64, entries: UnsafeBufferPointer<UInt32>) {
    guard context == self.context, Int64(exactly: offset) == range.lowerBound, extents.isEmpty
    else { return }
    var position = range.lowerBound
    for index in stride(from: 0, to: entries.count - 1, by: 2) {
      // A server may describe more than it was asked for, and lengths of 0 would never end.
      let end = unsafe min(position + Int64(entries[index]), range.upperBound)
      guard end > position else { return }
      let extent = unsafe NBDExtent(range: position..<end, flags: entries[index + 1])
      NBDExtent.append([extent], to: &extents)
      position = end
    }
  }
}
