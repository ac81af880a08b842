/// Why the bytes of a blob are no sound, readable blob.
enum BlobError: Error, Equatable, Sendable {
  /// Fewer bytes than the header takes.
  case truncated
  /// More bytes than a blob, or than the reader, allows.
  case tooLarge
  /// The first eight bytes are no kind of blob.
  case unknownMagic
  /// The checksum doesn't fit the payload.
  case checksumMismatch
  /// The payload is no sound zstd frame.
  case damagedFrame
  /// The payload is encrypted.
  case encrypted
}
