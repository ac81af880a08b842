/// What restores leave free of a file system, so that guests on it never meet a full one.
package struct FreeReserve: Sendable, Equatable {
  /// The share of the file system in hundredths.
  package var percent: Int

  /// What an installation keeps that says nothing else.
  package static let standard = FreeReserve(percent: 10)

  /// Makes a reserve of so many hundredths.
  package init(percent: Int) {
    self.percent = percent
  }

  /// How many bytes of a file system of this size are kept.
  package func bytes(of total: Int64) -> Int64 { total / 100 * Int64(percent) }
}
