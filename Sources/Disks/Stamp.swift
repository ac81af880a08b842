import CLinux
import FoundationEssentials
import Glibc

/// The mark on a file that tells which of two exchanged files it is.
///
/// Inode numbers are reused and names move; an extended attribute stays with the file's contents.
/// Recovery after a crash believes nothing else. Stored: the names are append-only.
package struct Stamp: Sendable, Equatable, Codable {
  /// What a file is to a job.
  package enum Role: String, Sendable, Codable {
    /// The staged disk, to be put in place.
    case new
    /// The disk that stood in place when the job came.
    case old
  }

  /// Which of the two it is.
  package let role: Role
  /// The job that stamped it.
  package let job: String
  /// The disk's name in its domain, such as `vda`.
  package let disk: String

  /// Makes a stamp.
  package init(role: Role, job: String, disk: String) {
    self.role = role
    self.job = job
    self.disk = disk
  }

  /// The attribute that holds the stamp, as JSON.
  package static let attribute = "user.rehome.stamp"
  /// The longest stamp read, in bytes; a longer one isn't ours.
  static let longest = 1024

  /// The stamp on the file at `path`, which must not be a link; nil if there is none of ours.
  package static func read(_ path: String) async throws(DiskError) -> Stamp? {
    try await BlockingExecutor.files.run { () throws(DiskError) in
      try read(Descriptor(path, O_RDONLY | O_NOFOLLOW))
    }
  }

  /// Stamps the file at `path`, which must not be a link, over any stamp before.
  package func write(_ path: String) async throws(DiskError) {
    try await BlockingExecutor.files.run { () throws(DiskError) in
      try write(Descriptor(path, O_RDONLY | O_NOFOLLOW))
    }
  }

  static func read(_ file: borrowing Descriptor) throws(DiskError) -> Stamp? {
    guard let bytes = try file.attribute(attribute, longest: longest) else { return nil }
    // A stamp that can't be read is no stamp of ours: nothing may happen to such a file.
    return try? JSONDecoder().decode(Stamp.self, from: Data(bytes))
  }

  func write(_ file: borrowing Descriptor) throws(DiskError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let bytes: Data
    do {
      bytes = try encoder.encode(self)
    } catch {
      preconditionFailure("a stamp is three strings, which JSON can hold")
    }
    try file.setAttribute(Self.attribute, Array(bytes))
  }
}

extension Descriptor {
  /// The bytes of an extended attribute; nil if the file has none of the name, or a longer one.
  func attribute(_ name: String, longest: Int) throws(DiskError) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: longest)
    let count = unsafe bytes.withUnsafeMutableBytes {
      unsafe fgetxattr(number, name, $0.baseAddress, $0.count)
    }
    if count < 0 && [ENODATA, ENOTSUP, ERANGE].contains(errno) { return nil }
    guard count >= 0 else { throw DiskError.last("fgetxattr", path) }
    return Array(bytes.prefix(count))
  }

  func setAttribute(_ name: String, _ bytes: [UInt8]) throws(DiskError) {
    try FileSimulation.tell(.mark(path: path, file: number))
    let result = unsafe bytes.withUnsafeBytes {
      unsafe fsetxattr(number, name, $0.baseAddress, $0.count, 0)
    }
    guard result == 0 else { throw DiskError.last("fsetxattr", path) }
  }
}
