internal import Checksum
internal import Disks
internal import Zstd

/// The envelope of every chunk and every `.blob` file: magic, CRC-32, payload.
enum DataBlob {
  /// The bytes before the payload of a blob that isn't encrypted.
  static let headerByteCount = 12
  /// The bytes before the payload of an encrypted blob.
  static let encryptedHeaderByteCount = 44
  /// The most that one blob holds.
  static let maximumPayloadByteCount = 128 << 20
  /// zstd's level, PBS's own: a higher one costs more time than the disk below saves.
  static let packingLevel = 1
  /// The most that a file with one blob in it has.
  static let maximumFileByteCount = maximumPayloadByteCount + encryptedHeaderByteCount

  /// What the first eight bytes of a blob say.
  enum Kind: CaseIterable {
    case plain, compressed, encrypted, compressedEncrypted

    /// The eight bytes, which start the SHA-256 of a sentence in PBS's source.
    var magic: [UInt8] {
      switch self {
      case .plain: [66, 171, 56, 7, 190, 131, 112, 161]
      case .compressed: [49, 185, 88, 66, 111, 182, 163, 127]
      case .encrypted: [123, 103, 133, 190, 34, 45, 76, 240]
      case .compressedEncrypted: [230, 89, 27, 191, 11, 191, 216, 11]
      }
    }

    /// Recognises the kind by the first bytes of a blob.
    init?(startOf bytes: [UInt8]) {
      let start = Array(bytes.prefix(8))
      guard let kind = Self.allCases.first(where: { $0.magic == start }) else { return nil }
      self = kind
    }
  }

  /// Wraps `payload`, packed if that makes it shorter.
  static func encode(_ payload: RawSpan) throws(BlobError) -> [UInt8] {
    guard payload.byteCount <= maximumPayloadByteCount else { throw .tooLarge }
    let noChecksum: [UInt8] = [0, 0, 0, 0]
    // A packer that fails, for want of memory say, is no reason to lose the data.
    let packed = try? ZstdFrame.compress(
      payload,
      level: packingLevel,
      header: Kind.compressed.magic + noChecksum
    )
    var blob = packed ?? concatenate(Kind.plain.magic + noChecksum, payload)
    let checksum = blob.withRawBytes(from: headerByteCount) { CRC32.checksum(of: $0) }
    LittleEndian.store(checksum, in: &blob, at: 8)
    return blob
  }

  /// Wraps `payload` in a packer's memory and lends the blob.
  static func encode<R, E: Error>(
    _ payload: RawSpan,
    with packer: ZstdPacker,
    _ body: (RawSpan) throws(E) -> R
  ) throws(E) -> R {
    let noChecksum: [UInt8] = [0, 0, 0, 0]
    return try packer.pack(
      payload,
      level: packingLevel,
      header: Kind.compressed.magic + noChecksum,
      plainHeader: Kind.plain.magic + noChecksum
    ) { blob throws(E) in
      let checksum = CRC32.checksum(of: blob.bytes.extracting(droppingFirst: headerByteCount))
      blob.storeBytes(of: checksum.littleEndian, toByteOffset: 8, as: UInt32.self)
      return try body(blob.bytes)
    }
  }

  /// Unwraps a blob into memory of its own, of at most `limit` bytes.
  static func decode(
    _ blob: [UInt8],
    limit: Int = maximumPayloadByteCount
  ) throws(BlobError) -> [UInt8] {
    let kind = try checkedKind(of: blob)
    return try blob.withRawBytes(from: headerByteCount) { payload throws(BlobError) in
      guard kind == .compressed else {
        guard payload.byteCount <= limit else { throw .tooLarge }
        return concatenate([], payload)
      }
      do throws(ZstdError) {
        return try ZstdFrame.decompress(payload, limit: limit)
      } catch {
        throw blobError(error)
      }
    }
  }

  /// Unwraps a blob into the front of `target` and says how many bytes that made.
  static func decode(
    _ blob: [UInt8],
    into target: inout MutableRawSpan
  ) throws(BlobError) -> Int {
    let kind = try checkedKind(of: blob)
    return try blob.withRawBytes(from: headerByteCount) { payload throws(BlobError) in
      guard kind == .compressed else {
        guard payload.byteCount <= target.byteCount else { throw .tooLarge }
        copy(payload, into: &target)
        return payload.byteCount
      }
      do throws(ZstdError) {
        return try ZstdFrame.decompress(payload, into: &target)
      } catch {
        throw blobError(error)
      }
    }
  }

  /// Makes `target` hold the payload of a blob whose header was read apart: a plain payload is there
  /// already, a packed one is the first `count` bytes of `packed`.
  ///
  /// - Throws: Also for a payload that doesn't make exactly `length` bytes.
  static func unpack(
    _ head: [UInt8],
    _ count: Int,
    from packed: AlignedBuffer,
    into target: AlignedBuffer,
    expecting length: Int
  ) throws(BlobError) {
    let isPlain = Kind(startOf: head) == .plain
    let checksum = (isPlain ? target : packed).withBytes(count) { CRC32.checksum(of: $0) }
    guard checksum == LittleEndian.load(UInt32.self, from: head, at: 8) else {
      throw .checksumMismatch
    }
    guard !isPlain else {
      guard count == length else { throw .truncated }
      return
    }
    let made = try packed.withBytes(count) { frame throws(BlobError) in
      try target.withMutableBytes(length) { out throws(BlobError) in
        do throws(ZstdError) {
          return try ZstdFrame.decompress(frame, into: &out)
        } catch {
          throw blobError(error)
        }
      }
    }
    guard made == length else { throw .truncated }
  }

  private static func checkedKind(of blob: [UInt8]) throws(BlobError) -> Kind {
    guard blob.count >= headerByteCount else { throw .truncated }
    guard blob.count <= maximumFileByteCount else { throw .tooLarge }
    guard let kind = Kind(startOf: blob) else { throw .unknownMagic }
    guard kind == .plain || kind == .compressed else { throw .encrypted }
    let checksum = blob.withRawBytes(from: headerByteCount) { CRC32.checksum(of: $0) }
    guard checksum == LittleEndian.load(UInt32.self, from: blob, at: 8) else {
      throw .checksumMismatch
    }
    return kind
  }

  private static func blobError(_ error: ZstdError) -> BlobError {
    switch error {
    case .tooLarge: .tooLarge
    case .damaged, .library: .damagedFrame
    }
  }
}
