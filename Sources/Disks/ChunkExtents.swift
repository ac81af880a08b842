import Model

extension BlockDevice {
  /// The whole disk in extents that begin and end with chunks: zero is what is known to be zero from a
  /// chunk's first byte to its last.
  ///
  /// A guest decides how many pieces its disk is in: they are asked for by parts, and no more is kept than
  /// chunks.
  ///
  /// - Parameter chunkBytes: The length of a chunk in bytes; the disk's last one may be shorter.
  /// - Returns: Extents in order, neighbours of which differ.
  /// - Throws: What asking the disk throws.
  package func extents(inChunksOf chunkBytes: Int) async throws(DiskError) -> [Extent] {
    let chunkSize = Int64(chunkBytes)
    var found: [Extent] = []
    let window = chunkSize * Int64(Limits.chunksInMapWindow)
    for start in stride(from: 0, to: size, by: Int(window)) {
      let part = start..<min(size, start + window)
      var pieces = try await extents(in: part)[...]
      for chunk in stride(from: part.lowerBound, to: part.upperBound, by: Int(chunkSize)) {
        let range = chunk..<min(part.upperBound, chunk + chunkSize)
        pieces = pieces.drop { $0.range.upperBound <= range.lowerBound }
        let isZero = pieces.prefix { $0.range.lowerBound < range.upperBound }.allSatisfy(\.isZero)
        Extent.append(Extent(range: range, isZero: isZero), to: &found)
      }
    }
    return found
  }
}
