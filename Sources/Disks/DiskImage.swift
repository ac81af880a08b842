import CLinux
import Glibc

/// Opens disks by their format.
package enum DiskImage {
  /// Opens the image at `path`, which must be a resolved path.
  ///
  /// A qcow2 image is served by a `qemu-nbd` of its own that lives until the disk is closed.
  ///
  /// - Parameters:
  ///   - path: The image.
  ///   - format: Its format, as the domain's definition tells it.
  ///   - access: What it is opened for.
  ///   - directory: Where a private directory for the server's socket may be made.
  ///   - threads: Where requests block; threads of its own if nil, or if a server does the work.
  /// - Returns: The open disk, to be closed by the caller.
  /// - Throws: `hostile` for an image that must not be opened, `locked` if somebody uses it.
  package static func open(
    _ path: String,
    format: DiskFormat,
    access: DiskAccess,
    directory: String,
    threads: BlockingExecutor? = nil
  ) async throws(DiskError) -> any BlockDevice {
    switch format {
    case .raw: try await RawDisk.open(path, access: access, threads: threads)
    case .qcow2: try await QemuNBD.open(path, access: access, directory: directory)
    }
  }

  /// The size in bytes that a guest sees.
  package static func virtualSize(_ path: String, format: DiskFormat) async throws(DiskError)
    -> Int64
  {
    switch format {
    case .raw:
      try await BlockingExecutor.files.run { () throws(DiskError) in
        try RawDisk.measure(Descriptor(path, O_RDONLY)).size
      }
    case .qcow2: try await Qcow2Header.read(path).virtualSize
    }
  }

  /// How many bytes of the file system the file takes, holes not counted.
  package static func allocatedBytes(_ path: String) async throws(DiskError) -> Int64 {
    try await BlockingExecutor.files.run { () throws(DiskError) in
      Int64(try Descriptor(path, O_RDONLY).status().st_blocks) * 512
    }
  }
}
