/// Why a frame could not be packed or unpacked.
package enum ZstdError: Error, Equatable, Sendable {
  /// The frame holds more than the caller's bound.
  case tooLarge(limit: Int)
  /// The bytes are no whole, sound zstd frame; `code` is the library's own number.
  case damaged(code: Int)
  /// The library could not do its work, for want of memory for instance.
  case library(code: Int)
}
