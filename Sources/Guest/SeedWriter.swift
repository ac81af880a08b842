package import Disks

/// Writes seeds as the images that a guest's cloud-init looks for.
package enum SeedWriter {
  /// Writes `seed` to `path`, whole and durable or not at all; what was there is replaced.
  ///
  /// The same seed always gives the same bytes. While it works there is a folder beside `path`,
  /// closed to others, which the next run for the same path removes if this one is interrupted.
  ///
  /// - Parameters:
  ///   - seed: What to write.
  ///   - path: Where, absolute; its folder must exist.
  ///   - owner: Whose the image is to be, such as QEMU's user; ours if nil.
  ///   - mode: Who may read it: user-data may hold secrets.
  /// - Throws: ``SeedError``; the path is then as it was.
  package static func write(
    _ seed: Seed,
    to path: String,
    owner: RuntimeDirectory.Owner? = nil,
    mode: UInt32 = 0o600
  ) async throws(SeedError) {
    let (folder, name, scratch) = places(of: path)
    let files = seed.files.map { (path: "\(scratch)/\($0.name)", text: $0.text) }
    try await SeedFileExecutor.run { calls throws(SeedError) in
      try calls.makeScratch(scratch)
      for file in files { try calls.create(file.path, file.text) }
    }
    do throws(SeedError) {
      try await ISOImage.make("\(scratch)/image", of: files.map(\.path))
      try await SeedFileExecutor.run { calls throws(SeedError) in
        try calls.publish(
          "\(scratch)/image",
          as: name,
          in: folder.isEmpty ? "/" : folder,
          owner: owner,
          mode: mode
        )
        try calls.removeScratch(scratch)
      }
    } catch {
      // The first error is the one to report; what stays is removed by the next run.
      try? await SeedFileExecutor.run { calls throws(SeedError) in
        try calls.removeScratch(scratch)
      }
      throw error
    }
  }

  /// Removes what a run that was interrupted has left beside `path`.
  ///
  /// For who won't write that seed any more: it holds what the seed was to.
  ///
  /// - Throws: ``SeedError`` if it is there and can't be removed.
  package static func removeLeft(of path: String) async throws(SeedError) {
    let scratch = places(of: path).scratch
    try await SeedFileExecutor.run { calls throws(SeedError) in try calls.removeScratch(scratch) }
  }

  private static func places(of path: String) -> (folder: String, name: String, scratch: String) {
    precondition(path.hasPrefix("/"), "the path of a seed is absolute")
    let name = String(path[path.index(after: path.lastIndex(of: "/") ?? path.startIndex)...])
    let folder = String(path.dropLast(name.count + 1))
    return (folder, name, "\(folder)/.\(name).partial")
  }
}
