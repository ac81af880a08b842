import Model

/// The texts in a seed that an operator made; nil for those that aren't there.
package struct SeedContents: Sendable, Equatable {
  /// Instance id, host name and more.
  package let metaData: String?
  /// The network, usually in version 2.
  package let networkConfig: String?
  /// What the guest does on its first boot.
  package let userData: String?
  /// What the operator adds to it.
  package let vendorData: String?
}

/// Recognises and reads the seeds that operators made, as far as Rehome takes them over.
package enum SeedReader {
  /// The label by which cloud-init knows a seed, in either case.
  static let label = "cidata"
  /// Largest image that is read, in bytes; an operator's seed is a few hundred kilobytes.
  private static let largestImage = 16 * 1024 * 1024

  /// Whether the image at `path` calls itself a seed, by its ISO 9660 or FAT label.
  ///
  /// Only the first bytes are read, and by ourselves: no program parses an unknown image for this.
  package static func isSeed(_ path: String) async throws(SeedError) -> Bool {
    try await label(of: path)?.label.lowercased() == label
  }

  /// Reads the texts of an ISO 9660 seed.
  ///
  /// - Parameters:
  ///   - path: The image, absolute.
  ///   - scratch: An existing folder where a folder of ours may stand meanwhile.
  /// - Returns: The texts that are there.
  /// - Throws: ``SeedError/unreadable(path:reason:)`` if it is no such seed,
  ///   ``SeedError/tooLong(file:)`` or ``SeedError/notText(file:)`` for what can't be taken over.
  package static func read(
    _ path: String,
    scratch: String = "/tmp"
  ) async throws(SeedError) -> SeedContents {
    guard let found = try await label(of: path), found.label.lowercased() == label else {
      throw .unreadable(path: path, reason: "its label isn't `\(label)`")
    }
    guard found.kind == .iso9660 else {
      throw .unreadable(path: path, reason: "it is a FAT image; only ISO 9660 is taken over")
    }
    let size = try await SeedFileExecutor.run { calls throws(SeedError) in
      try calls.head(path, limit: largestImage + 1, following: true).count
    }
    guard size <= largestImage else {
      throw .unreadable(path: path, reason: "it is larger than \(largestImage) bytes")
    }
    let folder = try await SeedFileExecutor.run { calls throws(SeedError) in
      try calls.makeTemporary(in: scratch)
    }
    do throws(SeedError) {
      let contents = try await texts(of: path, in: folder)
      try await SeedFileExecutor.run { calls throws(SeedError) in try calls.removeScratch(folder) }
      return contents
    } catch {
      // The first error is the one to report.
      try? await SeedFileExecutor.run { calls throws(SeedError) in
        try calls.removeScratch(folder)
      }
      throw error
    }
  }

  private static func texts(
    of image: String,
    in folder: String
  ) async throws(SeedError) -> SeedContents {
    let names = try await ISOImage.names(in: image)
    var texts: [SeedFile: String] = [:]
    for file in SeedFile.allCases where names.contains(file.rawValue) {
      texts[file] = try await text(of: file, of: image, in: folder)
    }
    return SeedContents(
      metaData: texts[.metaData],
      networkConfig: texts[.networkConfig],
      userData: texts[.userData],
      vendorData: texts[.vendorData]
    )
  }

  private static func text(
    of file: SeedFile,
    of image: String,
    in folder: String
  ) async throws(SeedError) -> String {
    let limit = file == .networkConfig ? Limits.networkBytes : Limits.userDataBytes
    let copy = "\(folder)/\(file.rawValue)"
    try await ISOImage.extract(file.rawValue, of: image, limit: limit + 1, to: copy)
    let bytes = try await SeedFileExecutor.run { calls throws(SeedError) in
      try calls.head(copy, limit: limit + 1)
    }
    guard bytes.count <= limit else { throw .tooLong(file: file.rawValue) }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .notText(file: file.rawValue)
    }
    return text
  }
}
