import Checksum
import Disks

/// What of a piece is data, and what zeros, where the disk holds something or nothing.
///
/// Parts are in bytes of the piece, in order.
struct PieceParts: Sendable, Equatable {
  /// The shortest run of zeros that counts as such.
  private static let pageBytes = 4096

  /// What isn't zero, wherever it comes to.
  private(set) var data: [Range<Int>] = []
  /// Zeros where the disk holds something; where it has holes they are there.
  private(set) var zeros: [Range<Int>] = []
  /// How much of the data comes to holes of the disk.
  private(set) var bytesIntoHoles = 0

  /// Tells the parts of a piece apart.
  ///
  /// - Parameters:
  ///   - bytes: What the piece is to hold.
  ///   - offset: Where on the disk it is.
  ///   - extents: What the disk holds there now.
  init(_ bytes: RawSpan, at offset: Int64, over extents: [Extent]) {
    data = dataRuns(bytes, gap: Self.pageBytes)
    let gaps = Self.gaps(between: data, in: bytes.byteCount)
    for extent in extents {
      let place = Int(extent.range.lowerBound - offset)..<Int(extent.range.upperBound - offset)
      if extent.isZero {
        bytesIntoHoles += data.reduce(0) { $0 + $1.clamped(to: place).count }
      } else {
        zeros += gaps.map { $0.clamped(to: place) }.filter { !$0.isEmpty }
      }
    }
  }

  /// Everything that must be written where no room may be given back, joined where it meets.
  var dataAndZeros: [Range<Int>] {
    var joined: [Range<Int>] = []
    for part in (data + zeros).sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = joined.last, last.upperBound == part.lowerBound {
        joined[joined.count - 1] = last.lowerBound..<part.upperBound
      } else {
        joined.append(part)
      }
    }
    return joined
  }

  /// What lies between runs that are in order.
  static func gaps(between runs: [Range<Int>], in count: Int) -> [Range<Int>] {
    var gaps: [Range<Int>] = []
    var end = 0
    for run in runs + [count..<count] {
      if end < run.lowerBound { gaps.append(end..<run.lowerBound) }
      end = run.upperBound
    }
    return gaps
  }
}
