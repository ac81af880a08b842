import Checksum
import Disks

@testable import Datastore

/// The envelope of chunks and `.blob` files.
enum BlobEntry {
  /// What a reader of these bytes has room for.
  private static let limit = 1 << 20

  static func check(_ bytes: [UInt8]) {
    checkDecoding(bytes)
    // Nobody finds a checksum by trying; what stands behind it has to be reached all the same.
    guard let sealed = sealed(bytes) else { return }
    checkDecoding(sealed)
    checkUnpacking(sealed)
  }

  /// The same bytes with the checksum that they should have.
  static func sealed(_ bytes: [UInt8]) -> [UInt8]? {
    guard bytes.count >= DataBlob.headerByteCount else { return nil }
    var bytes = bytes
    let checksum = bytes.withRawBytes(from: DataBlob.headerByteCount) { CRC32.checksum(of: $0) }
    LittleEndian.store(checksum, in: &bytes, at: 8)
    return bytes
  }

  private static func checkDecoding(_ bytes: [UInt8]) {
    guard let payload = try? DataBlob.decode(bytes, limit: limit) else { return }
    precondition(payload.count <= limit, "a blob makes more than its reader has room for")
    let room = AlignedBuffer(capacity: max(payload.count, 1))
    let count = room.withMutableBytes(payload.count) { target in
      try? DataBlob.decode(bytes, into: &target)
    }
    precondition(count == payload.count, "two ways to decode make two lengths")
    let isSame = room.withBytes(payload.count) { made in
      payload.withRawBytes { areEqual($0, made) }
    }
    precondition(isSame, "two ways to decode make two payloads")
    guard let again = try? payload.withRawBytes({ try DataBlob.encode($0) }) else {
      preconditionFailure("a payload that was read can't be written")
    }
    precondition(again.count <= payload.count + DataBlob.headerByteCount, "packing makes longer")
    precondition((try? DataBlob.decode(again)) == payload, "a payload changes on its way")
    if !payload.isEmpty {
      let tight = try? DataBlob.decode(bytes, limit: payload.count - 1)
      precondition(tight == nil, "a blob makes more than its reader has room for")
    }
  }

  /// As chunks are read: the header apart, and the length known before.
  private static func checkUnpacking(_ bytes: [UInt8]) {
    let head = Array(bytes.prefix(DataBlob.headerByteCount))
    let kind = DataBlob.Kind(startOf: head)
    guard kind == .plain || kind == .compressed else { return }
    let count = bytes.count - head.count
    let payload = try? DataBlob.decode(bytes, limit: limit)
    let length = max(payload?.count ?? count, 1)
    let packed = AlignedBuffer(capacity: max(count, 1))
    let target = AlignedBuffer(capacity: length)
    let source = kind == .plain ? target : packed
    bytes.withRawBytes(from: head.count) { rest in
      source.withMutableBytes(count) { copy(rest, into: &$0) }
    }
    let isRead =
      (try? DataBlob.unpack(head, count, from: packed, into: target, expecting: length)) != nil
    precondition(isRead == (payload?.count == length), "a chunk is read as it isn't")
  }
}
