/// Whether all that a guest wrote before a checkpoint is in its image's file by now.
///
/// QEMU keeps where it has put a guest's data in memory, and writes that out when the guest flushes or
/// the image is closed. A copy of the file that was made before then lacks what the checkpoint's backup
/// shows, and no bitmap says so: it tells of later writes only.
enum FlushProof {
  /// Looks at how often the guest had flushed when the checkpoint had been set, and when a copy was about
  /// to be made.
  ///
  /// One more isn't enough: it may have begun before the checkpoint, and ended when it had been counted.
  /// Fewer are of another QEMU; the one before it has closed the image, or its bitmaps would be lost.
  static func holds(checkpoint: Int64?, copy: Int64?) -> Bool {
    guard let checkpoint, let copy else { return false }
    return copy < checkpoint || copy > checkpoint + 1
  }
}
