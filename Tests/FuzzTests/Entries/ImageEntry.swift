import Disks

/// The first bytes of a guest's qcow2 image.
enum ImageEntry {
  static func check(_ bytes: [UInt8]) {
    guard let header = try? Qcow2Header(bytes) else { return }
    precondition(header.virtualSize >= 0, "a disk has less than nothing")
    precondition(UInt64(header.virtualSize) <= Qcow2Header.largestSize, "a disk is too large")
    precondition((512...(2 << 20)).contains(header.clusterSize), "a cluster of a foreign size")
    precondition((1...64).contains(header.refcountBits), "a count of no width")
    precondition(header.snapshotCount >= 0, "less than no snapshots")
    // What only the file's first 112 bytes may decide.
    precondition((try? Qcow2Header(Array(bytes.prefix(112)))) == header, "later bytes count")
  }
}
