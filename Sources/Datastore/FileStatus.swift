/// What the store wants to know of a file.
struct FileStatus: Equatable, Sendable {
  var isDirectory: Bool
  var isRegularFile: Bool
  var byteCount: Int
  var accessSeconds: Int
  var modificationSeconds: Int
  var isLink = false
}

/// What reading a whole file gave.
enum FileContent: Sendable {
  /// Nothing of that name is there.
  case absent
  /// What is there is too long, or no regular file.
  case unacceptable
  /// The file's bytes.
  case bytes([UInt8])
}

/// What reading a whole file in two parts gave.
enum SplitContent: Sendable {
  /// Nothing of that name is there.
  case absent
  /// What is there is too short or too long, or no regular file.
  case unacceptable
  /// The first bytes, and how many more went to the buffer that they asked for.
  case bytes(head: [UInt8], restCount: Int)
}

/// How much room a file system has.
struct FileSystemSpace: Equatable, Sendable {
  var totalBytes: Int64
  var freeBytes: Int64
}
