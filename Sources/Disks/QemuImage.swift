import Subprocess

/// What `qemu-img` does for us.
enum QemuImage {
  /// The longest message of `qemu-img` that is kept, in bytes.
  private static let longestMessage = 16384

  /// Makes the existing file at `path` an empty qcow2 image with the geometry of `header`.
  static func create(_ path: String, size: Int64, like header: Qcow2Header) async throws(DiskError)
  {
    var options = [
      "cluster_size=\(header.clusterSize)", "compat=\(header.version == 2 ? "0.10" : "1.1")",
    ]
    if header.version == 3 {
      options += [
        "refcount_bits=\(header.refcountBits)",
        "extended_l2=\(header.hasExtendedL2 ? "on" : "off")",
        "compression_type=\(header.isZstd ? "zstd" : "zlib")",
      ]
    }
    try await run([
      "create", "-q", "-f", "qcow2", "-o", options.joined(separator: ","), path, "\(size)",
    ])
  }

  /// Frees clusters of the qcow2 image at `path` that nothing refers to.
  ///
  /// - Returns: False if the image isn't sound even then, or somebody uses it.
  static func freeUnused(in path: String) async throws(DiskError) -> Bool {
    do throws(DiskError) {
      try await run(["check", "-q", "-r", "leaks", "-f", "qcow2", path])
      return true
    } catch .tool {
      return false
    }
  }

  private static func run(_ arguments: [String]) async throws(DiskError) {
    let message: String
    do {
      let result = try await Subprocess.run(
        .name("qemu-img"),
        arguments: .init(arguments),
        environment: .custom(["PATH": ChildProcess.folders.joined(separator: ":"), "LC_ALL": "C"]),
        output: .discarded,
        error: .string(limit: longestMessage)
      )
      guard !result.terminationStatus.isSuccess else { return }
      message = result.standardError
    } catch {
      throw DiskError.tool(name: "qemu-img", message: "\(error)")
    }
    throw DiskError.tool(name: "qemu-img", message: message)
  }
}
