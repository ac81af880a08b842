/// The room that clones may come to take, when their guests write to what they share.
///
/// The job's own promise for what it stages counts as well: what is written into a clone takes the blocks
/// that were shared.
struct CloneRoom: Sendable {
  /// Where.
  var fileSystem: String
  /// What the clone may come to take.
  var unsharedBytes: Int64
  /// How much of that wasn't promised to the job before.
  var addedBytes: Int64
}
