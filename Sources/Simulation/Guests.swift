import Disks
import Foundation
import Hypervisor
import Synchronization
import TestSupport

/// The guest of the target: what it may find on its disks, and what it does to them.
///
/// Like QEMU it locks its images while it runs, and it writes before it ends.
final class Guests: GuestPower {
  /// What the disks hold, in their order: before the job, and after it.
  struct Contents: Sendable, Equatable {
    var old: [[UInt8]]
    var new: [[UInt8]]
  }

  /// Which of the two it is.
  enum Side: String, Sendable { case old, new }

  private struct Running: Sendable {
    let locks: [RecordLock]
    let first: FileHandle
    let side: Side
  }

  private struct State {
    var contents = Contents(old: [], new: [])
    var running: Running?
    var writes: UInt64 = 0
    var hasRunOnNew = false
    var complaints: [String] = []
  }

  private let domain: String
  private let course: Course
  private let state = Mutex(State())

  init(domain: String, course: Course) {
    self.domain = domain
    self.course = course
  }

  var contents: Contents { state.withLock { $0.contents } }
  var complaints: [String] { state.withLock { $0.complaints } }
  /// Whether the guest has run on what the job has put there.
  var hasRunOnNew: Bool { state.withLock { $0.hasRunOnNew } }

  /// Begins a job that makes `old` into `new`.
  func begin(_ contents: Contents) {
    state.withLock { state in
      state.contents = contents
      state.hasRunOnNew = false
      if let running = state.running {
        state.running = Running(locks: running.locks, first: running.first, side: .old)
      }
    }
  }

  /// Which side the disks at `paths` are; nil: neither, wholly.
  func side(of paths: [String]) -> Side? {
    let found = paths.map { Self.bytes(of: $0) }
    let contents = contents
    if found == contents.old { return .old }
    return found == contents.new ? .new : nil
  }

  func willStart(_ description: DomainDescription) throws(HypervisorError) {
    guard description.name == domain else { return }
    let paths = description.inactiveDisks.filter(\.isDataDisk).compactMap(\.sourcePath)
    var locks: [RecordLock] = []
    for path in paths {
      guard FileManager.default.fileExists(atPath: path) else {
        throw .refused(operation: "start", message: "no such file")
      }
      do throws(RecordLock.Failure) {
        locks.append(try RecordLock(path: path, mode: .exclusive))
      } catch {
        throw .refused(operation: "start", message: "failed to get the write lock")
      }
    }
    guard let path = paths.first, let first = FileHandle(forUpdatingAtPath: path) else {
      throw .refused(operation: "start", message: "no disk")
    }
    // What a guest has read is on its disk for good, as far as it matters here.
    course.unsynced.note(.sync(path: path, file: first.fileDescriptor))
    let side = side(of: paths)
    course.trace.add("    the guest starts on its \(side?.rawValue ?? "BROKEN") disks")
    state.withLock { state in
      if side == nil { state.complaints.append("the guest was started on mixed disks") }
      if side == .old, state.hasRunOnNew {
        state.complaints.append("the former disks came back after the guest had run on the new")
      }
      if side == .new { state.hasRunOnNew = true }
      state.running = Running(locks: locks, first: first, side: side ?? .old)
    }
  }

  func didStop(_ description: DomainDescription, isSudden: Bool) {
    guard description.name == domain else { return }
    state.withLock { state in
      if !isSudden, let running = state.running { write(running, &state) }
      state.running = nil
    }
  }

  /// The last thing that a guest does: it writes to the middle of its first disk.
  private func write(_ running: Running, _ state: inout State) {
    state.writes += 1
    let bytes = Self.bytes(of: state.writes)
    let size = (running.side == .new ? state.contents.new : state.contents.old).first?.count ?? 0
    let place = size / 2
    do {
      try running.first.seek(toOffset: UInt64(place))
      try running.first.write(contentsOf: Data(bytes))
    } catch {
      state.complaints.append("the guest could not write: \(error)")
    }
    switch running.side {
    case .old: state.contents.old[0].replaceSubrange(place..<place + bytes.count, with: bytes)
    case .new: state.contents.new[0].replaceSubrange(place..<place + bytes.count, with: bytes)
    }
  }

  private static func bytes(of number: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
  }

  static func bytes(of path: String) -> [UInt8] {
    FileManager.default.contents(atPath: path).map { [UInt8]($0) } ?? []
  }
}
