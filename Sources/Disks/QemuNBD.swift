import CLinux
import FoundationEssentials
import Glibc
import NBD
import Synchronization

/// A qcow2 image behind a `qemu-nbd` of its own: one export, one private socket, dead when we are.
package final class QemuNBD: BlockDevice {
  package let size: Int64
  /// The id of the serving process, for tests and logs.
  package let processID: Int32

  private let path: String
  private let disk: NBDDisk
  private let server: Mutex<Server?>

  /// The longest time for the server to listen, and then to open the image.
  private static let startLimit = Duration.seconds(60)
  /// The longest time for the server to close the image, in milliseconds.
  private static let stopLimit: Int32 = 60_000
  /// How often a starting server is tried, in milliseconds.
  private static let startTick: Int32 = 5
  /// The kernel's bound on the path of a socket, its final zero not counted.
  private static let longestSocketPath = 107

  /// A running server and the directory of its socket, which goes with it.
  private struct Server {
    let process: ChildProcess
    let directory: RuntimeDirectory
  }

  /// Serves the image at `path` and connects to it.
  ///
  /// - Parameters:
  ///   - path: The resolved path of a qcow2 image.
  ///   - access: What it is opened for; QEMU locks the image accordingly.
  ///   - directory: Where to make the private directory of the socket.
  ///   - bitmap: The name of a dirty bitmap in the image to offer as well; the server doesn't start
  ///     if it isn't there or isn't whole.
  /// - Returns: The open disk, to be closed by the caller.
  /// - Throws: `hostile` for an image that must not be opened, `locked` if somebody uses it, `tool`
  ///   with what the server wrote if it did not start.
  package static func open(
    _ path: String,
    access: DiskAccess,
    directory: String,
    bitmap: String? = nil
  ) async throws(DiskError) -> QemuNBD {
    let header = try await Qcow2Header.read(path)
    guard access == .read || !header.isCorrupt else {
      throw DiskError.unsupported(reason: "the image is marked corrupt")
    }
    let directory = try await RuntimeDirectory.makePrivate(in: directory)
    do throws(DiskError) {
      let socket = directory.path + "/nbd"
      guard socket.utf8.count <= longestSocketPath else {
        throw DiskError.unsupported(reason: "the runtime directory's path is too long for a socket")
      }
      var arguments = try await arguments(for: path, access: access, socket: socket)
      if let bitmap { arguments.insert("--bitmap=\(bitmap)", at: 0) }
      let process = try await ChildProcess.start("qemu-nbd", arguments)
      let disk = try await connect(
        process,
        socket: socket,
        path: path,
        access: access,
        contexts: bitmap.map { [context(of: $0)] } ?? []
      )
      return QemuNBD(path: path, disk: disk, server: Server(process: process, directory: directory))
    } catch {
      await directory.remove()
      throw error
    }
  }

  private init(path: String, disk: NBDDisk, server: Server) {
    self.path = path
    self.disk = disk
    self.server = Mutex(server)
    size = disk.size
    processID = server.process.id
  }

  package func read(
    at offset: Int64,
    into buffer: AlignedBuffer,
    count: Int
  ) async throws(DiskError) {
    try await explain { () throws(DiskError) in
      try await disk.read(at: offset, into: buffer, count: count)
    }
  }

  package func write(
    at offset: Int64,
    from buffer: AlignedBuffer,
    part: Range<Int>
  ) async throws(DiskError) {
    try await explain { () throws(DiskError) in
      try await disk.write(at: offset, from: buffer, part: part)
    }
  }

  package func zero(at offset: Int64, count: Int64) async throws(DiskError) {
    try await explain { () throws(DiskError) in try await disk.zero(at: offset, count: count) }
  }

  package func extents(in range: Range<Int64>) async throws(DiskError) -> [Extent] {
    try await explain { () throws(DiskError) in try await disk.extents(in: range) }
  }

  /// The parts of `range` that a dirty bitmap marks that was asked for when opening, in order.
  package func dirtyRanges(
    in range: Range<Int64>,
    bitmap: String
  ) async throws(DiskError) -> [Range<Int64>] {
    try await explain { () throws(DiskError) in
      try await disk.dirtyRanges(in: range, context: Self.context(of: bitmap))
    }
  }

  private static func context(of bitmap: String) -> String { "qemu:dirty-bitmap:\(bitmap)" }

  package func flush() async throws(DiskError) {
    try await explain { () throws(DiskError) in try await disk.flush() }
  }

  /// Ends the server and waits until it has let go of the image.
  package func close() async throws(DiskError) {
    guard let server = server.withLock({ $0.take() }) else { return }
    try await disk.close()
    let result = await BlockingExecutor.servers.run { () -> DiskError? in
      do throws(DiskError) {
        try server.process.stop(within: Self.stopLimit)
        return nil
      } catch {
        return error
      }
    }
    await server.directory.remove()
    if let result { throw result }
  }

  /// Tells a failure of the image from the death of its server.
  private func explain<Value>(
    _ body: () async throws(DiskError) -> Value
  ) async throws(DiskError) -> Value {
    do throws(DiskError) {
      return try await body()
    } catch {
      guard case .io = error, let process = server.withLock({ $0?.process }) else { throw error }
      // The connection may break a moment before the process is seen to be gone.
      let isGone = await Self.hasEnded(process, within: 100)
      throw isGone ? process.death : error
    }
  }

  // MARK: - The server

  private static let exportName = "disk"

  /// The layers of the image, spelled out so that QEMU has nothing to guess or to follow.
  private struct Layers: Encodable {
    struct File: Encodable {
      let driver = "file"
      let filename: String
    }
    let driver = "qcow2"
    let file: File

    enum Key: String, CodingKey { case driver, file, backing }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(driver, forKey: .driver)
      try container.encode(file, forKey: .file)
      try container.encodeNil(forKey: .backing)
    }
  }

  private static func arguments(
    for path: String,
    access: DiskAccess,
    socket: String
  ) async throws(DiskError) -> [String] {
    let isDirectPossible = try await BlockingExecutor.files.run { () throws(DiskError) in
      do throws(DiskError) {
        _ = try Descriptor(path, O_RDONLY | Int32(rehome_o_direct))
        return true
      } catch .io(_, _, EINVAL) {
        return false
      }
    }
    let layers: String
    do {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      layers = String(
        decoding: try encoder.encode(Layers(file: .init(filename: path))),
        as: UTF8.self
      )
    } catch {
      throw DiskError.unsupported(reason: "the path can't be written as JSON")
    }
    return [
      "--persistent", "--socket=\(socket)", "--export-name=\(exportName)",
      "--shared=\(NBDDisk.widestConnection + 1)",
      "--cache=\(isDirectPossible ? "none" : "writeback")", "--discard=unmap",
    ] + (access == .read ? ["--read-only"] : ["--detect-zeroes=unmap"]) + ["json:\(layers)"]
  }

  /// Connects to a server that has just been started, or says why it can't serve.
  private static func connect(
    _ process: ChildProcess,
    socket: String,
    path: String,
    access: DiskAccess,
    contexts: [String]
  ) async throws(DiskError) -> NBDDisk {
    do throws(DiskError) {
      return try await connectWhenListening(
        process,
        socket: socket,
        path: path,
        contexts: contexts
      )
    } catch {
      // The connection breaks a moment before the process is seen to be gone.
      guard await hasEnded(process, within: 1000) else { throw error }
      if await ImageLock.isTaken(path, for: access) {
        throw DiskError.locked(path: path, by: await ImageLock.holder(of: path))
      }
      throw process.failure("did not start")
    }
  }

  private static func connectWhenListening(
    _ process: ChildProcess,
    socket: String,
    path: String,
    contexts: [String]
  ) async throws(DiskError) -> NBDDisk {
    let clock = ContinuousClock()
    let end = clock.now + startLimit
    while clock.now < end {
      // Waiting for the end of the process is the pause between two tries.
      if await hasEnded(process, within: startTick) { break }
      do throws(DiskError) {
        // The server listens before it opens the image, so only its first words mean that it
        // serves. One that never says them is ended, which ends the wait.
        return try await process.withDeadline(startLimit) { () throws(DiskError) in
          try await NBDDisk.open(
            socket: socket,
            export: exportName,
            path: path,
            contexts: contexts
          )
        }
      } catch .notFound {
        continue
      } catch .io(_, _, ECONNREFUSED) {
        continue
      }
    }
    throw process.failure("did not start to listen")
  }

  private static func hasEnded(_ process: ChildProcess, within milliseconds: Int32) async -> Bool {
    await BlockingExecutor.servers.run { process.hasEnded(within: milliseconds) }
  }
}
