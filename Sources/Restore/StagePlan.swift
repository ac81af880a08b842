import Datastore
import Disks

/// What is to be done so that a disk holds what an index says, decided before a byte is read.
///
/// A step that isn't there is one that needs no doing: a zero chunk of an empty disk, a chunk that
/// the target's map vouches for. So the work grows with what is to be done, not with the disk.
struct StagePlan: Sendable, Equatable {
  /// One piece of work; pieces touch different ranges and may be done in any order.
  enum Step: Sendable, Equatable {
    /// Take a chunk from the datastore and write it.
    case write(Int)
    /// Read a chunk from the disk, and write it only if it isn't what it should be.
    case compare(Int)
    /// Make a range zero.
    case zero(Range<Int64>)
  }

  /// The steps in the order of the disk.
  private(set) var steps: [Step] = []
  /// Bytes that are known to be right already.
  private(set) var bytesReused: Int64 = 0
  /// Whether the disk holds nothing before the first step.
  private(set) var isOfEmptyDisk = false

  /// The plan for a disk of zeros.
  static func empty(_ index: FixedIndex) -> StagePlan {
    var plan = StagePlan()
    plan.isOfEmptyDisk = true
    for chunk in 0..<index.chunkCount {
      if index.isZero(chunk) {
        plan.bytesReused += Int64(index.length(of: chunk))
      } else {
        plan.steps.append(.write(chunk))
      }
    }
    return plan
  }

  /// The plan for a disk that holds something.
  ///
  /// - Parameters:
  ///   - index: What it is to hold; behind the index's end it is to hold zeros.
  ///   - extents: All of the disk: what is known to be zero, and what may be anything.
  ///   - map: What is known of the rest without reading it.
  /// - Returns: Steps for everything that isn't known to be right.
  static func delta(
    _ index: FixedIndex,
    over extents: [Extent],
    map: TargetMap?
  ) -> StagePlan {
    var plan = StagePlan()
    var holes = HoleLook(extents)
    let map = map.flatMap { $0.describes(index) ? $0 : nil }
    for chunk in 0..<index.chunkCount {
      let start = Int64(chunk) * Int64(index.chunkSize)
      let range = start..<start + Int64(index.length(of: chunk))
      switch (index.isZero(chunk), holes.isHole(range)) {
      case (true, true): plan.bytesReused += Int64(range.count)
      case (true, false): plan.zero(range)
      case (false, true): plan.steps.append(.write(chunk))
      case (false, false):
        if map?.vouches(for: chunk, as: index) == true {
          plan.bytesReused += Int64(range.count)
        } else {
          let isOther = map?.denies(chunk, as: index) == true
          plan.steps.append(isOther ? .write(chunk) : .compare(chunk))
        }
      }
    }
    let end = extents.last?.range.upperBound ?? 0
    if index.size < end {
      // Only what is there: zeros have tables of their own in a qcow2.
      for extent in extents where !extent.isZero && extent.range.upperBound > index.size {
        plan.zero(extent.range.clamped(to: index.size..<end))
      }
    }
    return plan
  }

  /// Joins what is to be zeroed: one call for a run of chunks.
  private mutating func zero(_ range: Range<Int64>) {
    if case .zero(let last)? = steps.last, last.upperBound == range.lowerBound {
      steps[steps.count - 1] = .zero(last.lowerBound..<range.upperBound)
    } else {
      steps.append(.zero(range))
    }
  }
}

/// Goes over extents in step with ranges that only go forward.
struct HoleLook {
  private let extents: [Extent]
  private var place = 0

  init(_ extents: [Extent]) {
    self.extents = extents
  }

  /// Whether all of `range` is known to be zero; ranges are asked in the order of the disk.
  mutating func isHole(_ range: Range<Int64>) -> Bool {
    while place < extents.count, extents[place].range.upperBound <= range.lowerBound { place += 1 }
    // Neighbours differ, so a range that is zero as a whole lies in one extent.
    guard place < extents.count else { return false }
    return extents[place].isZero && extents[place].range.upperBound >= range.upperBound
  }
}
