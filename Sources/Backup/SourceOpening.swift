package import Disks
import Model

/// A disk that is open for reading, and that may tell what has changed on it.
package struct OpenedSource: Sendable {
  /// Its blocks.
  package var device: any BlockDevice
  /// The parts of a range that have changed since the moment that was asked about when opening.
  package var changes: @Sendable (Range<Int64>) async throws(DiskError) -> [Range<Int64>]
  /// Cuts its connections at once: whoever waits for an answer gets an error instead.
  package var hangUp: @Sendable () -> Void

  /// Collects the parts.
  package init(
    device: any BlockDevice,
    changes: @escaping @Sendable (Range<Int64>) async throws(DiskError) -> [Range<Int64>],
    hangUp: @escaping @Sendable () -> Void
  ) {
    self.device = device
    self.changes = changes
    self.hangUp = hangUp
  }
}

extension OpenedSource {
  /// The chunks of a disk of `size` bytes in which anything has changed, neighbours joined; closes the disk.
  ///
  /// The guest decides in how many pieces: they are asked for by parts, and no more is kept than chunks.
  func changes(
    inChunksOf chunkBytes: Int,
    ofDisk size: Int64
  ) async throws(DiskError) -> [Range<Int64>] {
    do throws(DiskError) {
      guard device.size == size else {
        throw DiskError.unsupported(reason: "it is of another size")
      }
      let found = try await changedChunks(Int64(chunkBytes))
      try await device.close()
      return found
    } catch {
      do throws(DiskError) { try await device.close() } catch {}
      throw error
    }
  }

  private func changedChunks(_ chunk: Int64) async throws(DiskError) -> [Range<Int64>] {
    let window = chunk * Int64(Limits.chunksInMapWindow)
    var found: [Range<Int64>] = []
    for start in stride(from: 0, to: device.size, by: Int(window)) {
      guard !Task.isCancelled else { throw .closed }
      for change in try await changes(start..<min(device.size, start + window))
      where !change.isEmpty {
        let first = change.lowerBound / chunk * chunk
        let end = min(device.size, (change.upperBound + chunk - 1) / chunk * chunk)
        if let last = found.last, last.upperBound >= first {
          found[found.count - 1] = last.lowerBound..<max(last.upperBound, end)
        } else {
          found.append(first..<end)
        }
      }
    }
    return found
  }
}

/// How a backup opens the disks that it reads; only a simulation has another way than the real one.
package struct SourceOpening: Sendable {
  /// Opens an image that nobody writes to; reads of it block on the threads, unless a server reads.
  package var image:
    @Sendable (
      _ path: String, _ format: DiskFormat, _ directory: String, _ threads: BlockingExecutor
    ) async throws(DiskError) -> any BlockDevice
  /// Opens such an image with one of the bitmaps in it.
  package var marked:
    @Sendable (_ path: String, _ bitmap: String, _ directory: String) async throws(DiskError)
      -> OpenedSource
  /// Opens a disk of a session, and asks it about a metadata context if one is named.
  package var session:
    @Sendable (_ socket: String, _ export: String, _ context: String?) async throws(DiskError)
      -> OpenedSource

  /// The real way: files, servers of images, and the session's own server.
  package init() {
    image = { path, format, directory, threads throws(DiskError) in
      try await DiskImage.open(
        path,
        format: format,
        access: .read,
        directory: directory,
        threads: threads
      )
    }
    marked = { path, bitmap, directory throws(DiskError) in
      let device = try await QemuNBD.open(
        path,
        access: .read,
        directory: directory,
        bitmap: bitmap
      )
      return OpenedSource(
        device: device,
        changes: { range throws(DiskError) in
          try await device.dirtyRanges(in: range, bitmap: bitmap)
        },
        hangUp: {}
      )
    }
    session = { socket, export, context throws(DiskError) in
      let device = try await NBDDisk.open(
        socket: socket,
        export: export,
        contexts: context.map { [$0] } ?? []
      )
      return OpenedSource(
        device: device,
        changes: { range throws(DiskError) in
          guard let context else { return [range] }
          return try await device.dirtyRanges(in: range, context: context)
        },
        hangUp: { device.hangUp() }
      )
    }
  }
}
