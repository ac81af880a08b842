import Checksum
import Disks
import Testing

@testable import Datastore

struct BlobTests {
  static let payloads: [String: [UInt8]] = [
    "nothing": [], "one byte": [7], "two equal bytes": [0, 0], "noise": noise(70_001),
    "text": text(70_001), "4 MiB of zeros": zeros(4 << 20),
  ]

  @Test(arguments: payloads.keys)
  func `A blob gives back what was put in, and is never longer than plain`(name: String) throws {
    let bytes = try #require(Self.payloads[name])
    let blob = try encode(bytes)
    #expect(try DataBlob.decode(blob) == bytes)
    #expect(blob.count <= bytes.count + DataBlob.headerByteCount)
    let lent = AlignedBuffer(capacity: bytes.count + 10)
    let count = try lent.withMutableBytes(bytes.count + 10) { span throws(BlobError) in
      try DataBlob.decode(blob, into: &span)
    }
    #expect(contents(of: lent, count) == bytes)
  }

  @Test func `Packing is used only where it makes the blob shorter`() throws {
    #expect(hex(Array(try encode(text(1000)).prefix(8))) == "31b958426fb6a37f")
    #expect(hex(Array(try encode(noise(1000)).prefix(8))) == "42ab3807be8370a1")
    #expect(hex(try encode([])) == "42ab3807be8370a100000000")
    // The CRC-32 that every description of the checksum gives as its example.
    #expect(
      hex(try encode(Array("123456789".utf8))) == "42ab3807be8370a12639f4cb313233343536373839"
    )
  }

  /// Bytes that are no readable blob.
  struct Refused: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var bytes: [UInt8]
    var reason: BlobError

    init(_ name: String, _ bytes: [UInt8], _ reason: BlobError) {
      (testDescription, self.bytes, self.reason) = (name, bytes, reason)
    }
  }

  @Test(arguments: [
    Refused("empty file", [], .truncated),
    Refused("eleven bytes", Array(repeating: 66, count: 11), .truncated),
    Refused("foreign magic", Array(repeating: 66, count: 20), .unknownMagic),
    Refused("encrypted", DataBlob.Kind.encrypted.magic + zeros(40), .encrypted),
    Refused(
      "packed and encrypted",
      DataBlob.Kind.compressedEncrypted.magic + zeros(36),
      .encrypted
    ),
    Refused("wrong checksum", DataBlob.Kind.plain.magic + [0, 0, 0, 0, 1], .checksumMismatch),
    Refused("no frame", sealed(.compressed, [1, 2, 3, 4]), .damagedFrame),
    Refused("no bytes of a frame", sealed(.compressed, []), .damagedFrame),
    Refused(
      "half a frame",
      sealed(.compressed, Array(frame(of: 7, blocks: 3).dropLast(3))),
      .damagedFrame
    ),
    Refused(
      "something behind the frame",
      sealed(.compressed, frame(of: 7, blocks: 1) + [1]),
      .damagedFrame
    ),
    Refused("a bomb", sealed(.compressed, frame(of: 0, blocks: 8192)), .tooLarge),
    Refused("a lying bomb", sealed(.compressed, frame(of: 0, blocks: 8192, promise: 5)), .tooLarge),
    Refused(
      "a huge promise",
      sealed(.compressed, frame(of: 0, blocks: 1, promise: 1 << 60)),
      .damagedFrame
    ),
  ])
  func `What is no sound readable blob is refused, with its reason`(refused: Refused) {
    #expect(throws: refused.reason) { try DataBlob.decode(refused.bytes) }
    let lent = AlignedBuffer(capacity: 512 << 10)
    #expect(throws: refused.reason) {
      try lent.withMutableBytes(lent.capacity) { span throws(BlobError) in
        try DataBlob.decode(refused.bytes, into: &span)
      }
    }
  }

  @Test func `A payload that is longer than the reader's bound is refused`() throws {
    for bytes in [noise(100), text(100_000)] {
      let blob = try encode(bytes)
      #expect(try DataBlob.decode(blob, limit: bytes.count) == bytes)
      #expect(throws: BlobError.tooLarge) { try DataBlob.decode(blob, limit: bytes.count - 1) }
    }
  }

  @Test func `The bounds are those of the format`() {
    #expect(DataBlob.headerByteCount == 12)
    #expect(DataBlob.maximumPayloadByteCount == 128 * 1024 * 1024)
  }

  private func encode(_ bytes: [UInt8]) throws -> [UInt8] {
    try bytes.withRawBytes { span throws(BlobError) in try DataBlob.encode(span) }
  }
}

/// A blob of a kind, with the right checksum for whatever payload.
func sealed(_ kind: DataBlob.Kind, _ payload: [UInt8]) -> [UInt8] {
  let checksum = payload.withRawBytes { CRC32.checksum(of: $0) }
  return kind.magic + (0..<4).map { UInt8(truncatingIfNeeded: checksum >> ($0 * 8)) } + payload
}

/// A zstd frame made by hand: blocks that repeat a byte 128 Ki times each, and a header that
/// promises a size or none.
func frame(of byte: UInt8, blocks: Int, promise: UInt64? = nil) -> [UInt8] {
  var bytes: [UInt8] = [0x28, 0xb5, 0x2f, 0xfd]
  bytes += promise == nil ? [0x00, 0x58] : [0xc0, 0x58]
  if let promise { bytes += (0..<8).map { UInt8(truncatingIfNeeded: promise >> ($0 * 8)) } }
  for block in 0..<blocks {
    let header = (128 << 10) << 3 | 1 << 1 | (block == blocks - 1 ? 1 : 0)
    bytes += (0..<3).map { UInt8(truncatingIfNeeded: header >> ($0 * 8)) } + [byte]
  }
  return bytes
}
