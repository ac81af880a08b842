internal import Checksum
internal import Model

/// Which files of the chunk folders a garbage collection may remove: by name and times alone.
struct GarbageRules: Equatable, Sendable, Codable {
  /// What a file in a chunk folder is.
  enum Kind: Equatable {
    /// A chunk.
    case chunk
    /// A chunk that was found bad and put aside.
    case bad
    /// What a crash left of a chunk that was being written.
    case leftover
    /// Nothing of ours or of PBS's.
    case foreign

    /// Recognises a file by its name.
    init(_ name: String) {
      let digits = name.prefix(Digest.byteCount * 2)
      let rest = name.dropFirst(Digest.byteCount * 2)
      guard Digest(hex: digits) != nil, !digits.contains(where: \.isUppercase) else {
        self = .foreign
        return
      }
      if rest.isEmpty {
        self = .chunk
      } else if rest.utf8.count == 6, rest.hasPrefix("."), rest.hasSuffix(".bad"),
        rest.dropFirst().first?.isASCIIDigit == true
      {
        self = .bad
      } else {
        self = rest.hasPrefix(".tmp_") ? .leftover : .foreign
      }
    }
  }

  /// What becomes of a file.
  enum Verdict: Equatable {
    /// It goes.
    case remove
    /// Nothing uses it, but it is too young to go.
    case pending
    /// It stays.
    case keep
  }

  /// When marking began, in seconds since 1970.
  let markStart: Int64
  /// What was last used before this second may go.
  let cutoff: Int64

  /// The rules of a collection that begins to mark at `start`, when the oldest writer at work, if
  /// any is, has begun at `oldestWriter`.
  init(markStart start: Timestamp, oldestWriter: Timestamp?) {
    markStart = start.seconds
    let grace = start.advanced(by: .zero - Limits.garbageGrace)
    cutoff = min(grace, oldestWriter ?? grace).advanced(by: .zero - Limits.garbageMargin).seconds
  }

  /// Judges a file.
  func verdict(on kind: Kind, _ status: FileStatus) -> Verdict {
    guard status.isRegularFile else { return .keep }
    let access = Int64(status.accessSeconds)
    switch kind {
    case .foreign:
      return .keep
    case .chunk:
      if access < cutoff { return .remove }
      return access < markStart ? .pending : .keep
    case .bad:
      return access < cutoff ? .remove : .keep
    case .leftover:
      // Nobody touches these; a writer that is still at it wrote to its file lately.
      return max(access, Int64(status.modificationSeconds)) < cutoff ? .remove : .keep
    }
  }
}

extension Character {
  fileprivate var isASCIIDigit: Bool { isASCII && isNumber }
}
