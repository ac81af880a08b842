/// A run of bytes about which a server says one thing in one metadata context.
package struct NBDExtent: Sendable, Equatable {
  /// The name of the context that tells data from holes and zeros.
  package static let allocation = "base:allocation"

  /// The flag of a dirty bitmap's context that marks what was written.
  package static let dirty: UInt32 = 1

  /// The bytes it is about.
  package let range: Range<Int64>
  /// The context's flags; for `base:allocation` 1 is a hole and 2 reads as zeros.
  package let flags: UInt32

  /// Makes an extent.
  package init(range: Range<Int64>, flags: UInt32) {
    self.range = range
    self.flags = flags
  }

  /// Whether the bytes read as zeros, if the context is `base:allocation`.
  package var isZero: Bool { flags & 2 != 0 }

  /// Appends `more`, joining what touches and says the same.
  static func append(_ more: [NBDExtent], to extents: inout [NBDExtent]) {
    for extent in more {
      guard let last = extents.last, last.flags == extent.flags,
        last.range.upperBound == extent.range.lowerBound
      else {
        extents.append(extent)
        continue
      }
      extents[extents.count - 1] = NBDExtent(
        range: last.range.lowerBound..<extent.range.upperBound,
        flags: extent.flags
      )
    }
  }
}
