/// What restores leave free of a file system, so that guests on it never meet a full one.
package struct FreeReserve: Sendable, Equatable {
  /// The share of the file system in hundredths.
  package var percent: Int
  /// At most so many bytes; nil: whatever the share is.
  package var mostBytes: Int64?

  /// What an installation keeps that says nothing else.
  package static let standard = FreeReserve(percent: 10)
  /// What a disk that is written over where it is leaves: it grows by what goes into its holes only, and
  /// can't be stopped in the middle without putting all back.
  package static let inPlace = FreeReserve(percent: 5, mostBytes: 1 << 30)

  /// Makes a reserve of so many hundredths.
  package init(percent: Int, mostBytes: Int64? = nil) {
    self.percent = percent
    self.mostBytes = mostBytes
  }

  /// How many bytes of a file system of this size are kept.
  package func bytes(of total: Int64) -> Int64 {
    min(total / 100 * Int64(percent), mostBytes ?? .max)
  }
}
