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

  /// Frees clusters of a qcow2 image that nothing refers to.
  ///
  /// - Parameters:
  ///   - reference: A path that leads to the image, whatever stands at its name.
  ///   - path: Its name.
  ///   - limit: How long it may take.
  /// - Returns: False if the image isn't sound even then; nil if that can't be told: the program was
  ///   stopped, or somebody uses the image.
  static func freeUnused(
    in reference: String,
    at path: String,
    within limit: Duration
  ) async -> Bool? {
    let arguments = ["check", "-q", "-r", "leaks", "-f", "qcow2", reference]
    let check: ChildProcess
    do throws(DiskError) {
      // One that outlived us would keep the image's lock from who goes on.
      check = try await ChildProcess.start("qemu-img", arguments)
    } catch {
      return nil
    }
    switch await check.exitCode(within: limit) {
    case 0: return true
    // Corrupt, or with leaks that stayed.
    case 2, 3: return false
    // Tables that make no sense, and a lock that wasn't had.
    case 1: return await ImageLock.isTaken(path, for: .write) ? nil : false
    default: return nil
    }
  }

  private static var environment: Environment {
    .custom(["PATH": ChildProcess.folders.joined(separator: ":"), "LC_ALL": "C"])
  }

  private static func run(_ arguments: [String]) async throws(DiskError) {
    let message: String
    do {
      let result = try await Subprocess.run(
        .name("qemu-img"),
        arguments: .init(arguments),
        environment: environment,
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
