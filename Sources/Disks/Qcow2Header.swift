import Glibc

/// What the header of a qcow2 image says, read by ourselves before any program opens the image.
///
/// A guest's disk is hostile input, and QEMU follows what its header names: another file as a
/// backing file or data file, for one. Nothing that isn't a plain single layer gets through.
package struct Qcow2Header: Sendable, Equatable {
  /// 2 or 3.
  package let version: UInt32
  /// The size in bytes that a guest sees.
  package let virtualSize: Int64
  /// The size of a cluster in bytes.
  package let clusterSize: Int
  /// The width of a reference count in bits.
  package let refcountBits: Int
  /// Whether clusters are divided into subclusters.
  package let hasExtendedL2: Bool
  /// Whether compressed clusters are zstd, not deflate.
  package let isZstd: Bool
  /// How many snapshots are inside; such an image can be read but not exchanged.
  package let snapshotCount: Int
  /// Whether it was not closed properly; QEMU repairs what that left when it opens it.
  package let isDirty: Bool
  /// Whether QEMU has found it inconsistent; it opens for reading only.
  package let isCorrupt: Bool
  /// Whether it has extensions, such as dirty bitmaps, that hold only as long as every writer knows them.
  let hasAutoclear: Bool

  /// The largest virtual size taken seriously, in bytes.
  package static let largestSize: UInt64 = 64 << 40
  private static let shortest = 72
  /// How many bytes of it matter.
  static let longest = 112
  /// Where the flags of such extensions stand: without its flag an extension counts for nothing.
  static let autoclear = 88..<96

  private enum Feature {
    static let dirty: UInt64 = 1 << 0
    static let corrupt: UInt64 = 1 << 1
    static let dataFile: UInt64 = 1 << 2
    static let compression: UInt64 = 1 << 3
    static let extendedL2: UInt64 = 1 << 4
    static let known = dirty | corrupt | dataFile | compression | extendedL2
  }

  /// Whether images of both divide and describe their clusters alike.
  func hasGeometry(of other: Qcow2Header) -> Bool {
    version == other.version && clusterSize == other.clusterSize
      && refcountBits == other.refcountBits && hasExtendedL2 == other.hasExtendedL2
      && isZstd == other.isZstd
  }

  /// Reads the header of the image at `path` and refuses what must not be opened.
  package static func read(_ path: String) async throws(DiskError) -> Qcow2Header {
    let bytes = try await BlockingExecutor.files.run { () throws(DiskError) in
      try Descriptor(path, O_RDONLY | O_NOFOLLOW).beginning(longest)
    }
    do throws(HostileImage) {
      return try Qcow2Header(bytes)
    } catch {
      throw DiskError.hostile(error)
    }
  }

  /// Reads the first bytes of an image, at most 112 of which matter.
  package init(_ bytes: [UInt8]) throws(HostileImage) {
    guard bytes.count >= Self.shortest, bytes.prefix(4) == [0x51, 0x46, 0x49, 0xfb] else {
      throw .malformed
    }
    func number32(_ offset: Int) -> UInt32 {
      bytes[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }
    func number64(_ offset: Int) -> UInt64 {
      bytes[offset..<offset + 8].reduce(0) { $0 << 8 | UInt64($1) }
    }
    version = number32(4)
    guard version == 2 || version == 3 else { throw .version(version) }
    guard number64(8) == 0, number32(16) == 0 else { throw .backingFile }
    let clusterBits = number32(20)
    guard (9...21).contains(clusterBits) else { throw .malformed }
    clusterSize = 1 << clusterBits
    let size = number64(24)
    guard size <= Self.largestSize else { throw .size(size) }
    guard size % 512 == 0 else { throw .malformed }
    virtualSize = Int64(size)
    guard number32(32) == 0 else { throw .encrypted }
    // QEMU's own bound on the first-level table is 32 MiB.
    guard number32(36) <= 4 << 20, number64(40) % UInt64(clusterSize) == 0,
      number64(48) % UInt64(clusterSize) == 0
    else { throw .malformed }
    snapshotCount = Int(number32(60))
    guard version == 3 else {
      (refcountBits, hasExtendedL2, isZstd, isDirty, isCorrupt) = (16, false, false, false, false)
      hasAutoclear = false
      return
    }
    guard bytes.count >= 104 else { throw .malformed }
    let features = number64(72)
    guard features & Feature.dataFile == 0 else { throw .dataFile }
    guard features & ~Feature.known == 0 else { throw .features(features & ~Feature.known) }
    hasAutoclear = number64(Self.autoclear.lowerBound) != 0
    let refcountOrder = number32(96)
    let length = number32(100)
    guard refcountOrder <= 6, length >= 104, length % 8 == 0, length <= clusterSize else {
      throw .malformed
    }
    let compression = length > 104 && bytes.count > 104 ? bytes[104] : 0
    guard compression <= 1, (compression == 1) == (features & Feature.compression != 0) else {
      throw .malformed
    }
    refcountBits = 1 << refcountOrder
    hasExtendedL2 = features & Feature.extendedL2 != 0
    isZstd = compression == 1
    isDirty = features & Feature.dirty != 0
    isCorrupt = features & Feature.corrupt != 0
  }
}
