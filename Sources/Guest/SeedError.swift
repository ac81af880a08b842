/// What can go wrong when a seed is written or read.
package enum SeedError: Error, Equatable, Sendable {
  /// A system call failed with an error number.
  case io(operation: String, path: String, errno: Int32)
  /// There is no such file.
  case notFound(path: String)
  /// The file system, or the quota on it, is full.
  case outOfSpace(path: String)
  /// The image isn't a NoCloud seed that can be read; the text tells why, for people only.
  case unreadable(path: String, reason: String)
  /// A file in the seed is longer than is taken over.
  case tooLong(file: String)
  /// A file in the seed isn't UTF-8 text.
  case notText(file: String)
  /// `xorriso` failed; the message is what it wrote, for people only.
  case tool(message: String)
}
