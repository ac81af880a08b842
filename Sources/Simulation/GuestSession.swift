/// A backup of a running guest: the disks of one moment, for as long as it lasts.
struct GuestSession: Sendable {
  struct Disk: Sendable {
    var bytes: [UInt8]
    /// The blocks that have changed since the moment that was asked about; nil: none was.
    var changes: Set<Int>?
  }

  let domain: String
  let socket: String
  var disks: [String: Disk] = [:]

  init(domain: String, socket: String) {
    self.domain = domain
    self.socket = socket
  }
}

/// What disks have held since a moment: their bytes then, and everything written since.
struct DiskHistory: Sendable {
  private struct Write: Sendable {
    var disk: Int
    var place: Int
    var bytes: [UInt8]
  }

  private var start: [[UInt8]]
  private var writes: [Write] = []

  init(_ start: [[UInt8]] = []) {
    self.start = start
  }

  mutating func add(_ disk: Int, _ place: Int, _ bytes: [UInt8]) {
    writes.append(Write(disk: disk, place: place, bytes: bytes))
  }

  /// Whether the disks held exactly these bytes at one and the same moment.
  func hasHeld(_ found: [[UInt8]]) -> Bool {
    guard found.map(\.count) == start.map(\.count) else { return false }
    var now = start
    var wrong = Set(now.indices.filter { now[$0] != found[$0] })
    if wrong.isEmpty { return true }
    for write in writes {
      let range = write.place..<write.place + write.bytes.count
      now[write.disk].replaceSubrange(range, with: write.bytes)
      // What was written isn't what is there, so there is no need to look at the rest.
      guard found[write.disk][range].elementsEqual(write.bytes) else {
        wrong.insert(write.disk)
        continue
      }
      if now[write.disk] == found[write.disk] { wrong.remove(write.disk) }
      if wrong.isEmpty { return true }
    }
    return false
  }
}
