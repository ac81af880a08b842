extension Stage {
  /// Opens the stage to be filled, and lets nobody else open or move it until it is closed.
  ///
  /// A worker that was stopped for longer than its lease comes here late: what stands at the path may
  /// be the former disk by then, or the stage be another worker's. So the file itself is asked for its
  /// mark, and it is locked, without which no exchange is made.
  ///
  /// - Parameters:
  ///   - format: The format that it was made in.
  ///   - directory: Where a private directory for a server's socket may be made.
  ///   - threads: Where requests block; threads of its own if nil, or if a server does the work.
  /// - Returns: The open disk, to be closed by the caller.
  /// - Throws: `stampMismatch` if another file stands there, `locked` if somebody uses it.
  package func open(
    format: DiskFormat,
    directory: String,
    threads: BlockingExecutor? = nil
  ) async throws(DiskError) -> any BlockDevice {
    switch format {
    case .raw:
      return try await RawDisk.open(path, access: .write, stamp: stamp, threads: threads)
    case .qcow2:
      try await requireStamp()
      let server = try await QemuNBD.open(path, access: .write, directory: directory)
      do throws(DiskError) {
        // QEMU has locked it now, so that it stays what it is.
        try await requireStamp()
      } catch {
        do throws(DiskError) { try await server.close() } catch {}
        throw error
      }
      return server
    }
  }

  private func requireStamp() async throws(DiskError) {
    guard try await Stamp.read(path) == stamp else { throw .stampMismatch(path: path) }
  }
}
