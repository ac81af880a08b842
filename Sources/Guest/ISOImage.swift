import Subprocess

/// What `xorriso` does for us.
enum ISOImage {
  /// The longest output of `xorriso` that is kept, in bytes.
  private static let longestOutput = 65536
  /// Every date in a seed: the same seed is to be the same bytes, whenever it is written.
  private static let date = "2020010100000000"
  /// Where programs are looked for; no more of our surroundings reaches them.
  private static let folders = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

  /// Makes the image `output` of the files at `paths`, in the root folder, labelled as a seed.
  static func make(_ output: String, of paths: [String]) async throws(SeedError) {
    let (status, text) = try await run(
      [
        "-as", "mkisofs", "-quiet", "-o", output, "-V", SeedReader.label, "-J", "-r",
        "--modification-date=\(date)", "--set_all_file_dates", date,
      ] + paths
    )
    guard status else { throw .tool(message: text) }
  }

  /// The names of the regular files in the root folder.
  static func names(in image: String) async throws(SeedError) -> [String] {
    let (status, text) = try await run(
      reading(image) + ["-find", "/", "-maxdepth", "1", "-type", "f"]
    )
    guard status else { throw .unreadable(path: image, reason: text) }
    // Each line is a quoted path.
    return text.split(separator: "\n").compactMap { line in
      line.hasPrefix("'/") && line.hasSuffix("'") ? String(line.dropFirst(2).dropLast()) : nil
    }
  }

  /// Copies the first `limit` bytes of a file in the root folder to a new file.
  static func extract(
    _ name: String,
    of image: String,
    limit: Int,
    to path: String
  ) async throws(SeedError) {
    let (status, text) = try await run(
      reading(image) + ["-osirrox", "on", "-extract_cut", "/\(name)", "0", "\(limit)", path]
    )
    guard status else { throw .unreadable(path: image, reason: text) }
  }

  private static func reading(_ image: String) -> [String] {
    ["-abort_on", "FAILURE", "-report_about", "FAILURE", "-indev", "stdio:\(image)"]
  }

  private static func run(_ arguments: [String]) async throws(SeedError) -> (Bool, String) {
    do {
      let result = try await Subprocess.run(
        // First of all: what a start-up file of the user says is not for us.
        .name("xorriso"),
        arguments: .init(["-no_rc"] + arguments),
        environment: .custom(["PATH": folders, "LC_ALL": "C", "TZ": "UTC"]),
        output: .string(limit: longestOutput),
        error: .string(limit: longestOutput)
      )
      let succeeded = result.terminationStatus.isSuccess
      return (succeeded, succeeded ? result.standardOutput : result.standardError)
    } catch {
      throw .tool(message: "\(error)")
    }
  }
}
