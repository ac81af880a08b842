import Disks
import Foundation
import Hypervisor
import Model
import Synchronization
import TestSupport

/// The guest of a domain: what it may find on its disks, and what it does to them.
///
/// Like QEMU it locks its images while it runs, and it writes before it ends.
final class Guest: Sendable {
  /// What the disks hold, in their order: before the job, and after it.
  struct Contents: Sendable, Equatable {
    var old: [[UInt8]]
    var new: [[UInt8]]
  }

  /// Which of the two it is.
  enum Side: String, Sendable { case old, new }

  struct Running: Sendable {
    let locks: [RecordLock]
    let files: [FileHandle]
    var side: Side
  }

  struct State {
    var contents = Contents(old: [], new: [])
    var running: Running?
    var isFrozen = false
    /// Since when it is frozen.
    var frozenSince: Duration?
    var isPaused = false
    var writes: UInt64 = 0
    var hasRunOnNew = false
    /// What that was before the last start.
    var hasRun = false
    var complaints: [String] = []
    /// How many jobs have begun.
    var act = 0
    var history = DiskHistory()
    var session: GuestSession?
    /// The blocks that were written to since each checkpoint, disk by disk.
    var changes: [String: [Set<Int>]] = [:]
  }

  /// What stands before the bytes of a guest in an image that records changes.
  static let headerCount = 1 << 16

  let domain: String
  let course: Course
  /// Bytes of an image that aren't the guest's: none in a raw one.
  let header: Int
  let state = Mutex(State())
  /// Where its firmware stores something; nil: nowhere.
  let nvram: String?

  init(domain: String, course: Course, recordsChanges: Bool = false, nvram: String? = nil) {
    self.domain = domain
    self.nvram = nvram
    self.course = course
    header = recordsChanges ? Self.headerCount : 0
  }

  var contents: Contents { state.withLock { $0.contents } }
  var complaints: [String] { state.withLock { $0.complaints } }
  /// Whether the guest has run on what the job has put there.
  var hasRunOnNew: Bool { state.withLock { $0.hasRunOnNew } }
  /// What its disks have held since the job began.
  var history: DiskHistory { state.withLock { $0.history } }

  /// Which of the jobs there were this is.
  var act: Int { state.withLock { $0.act } }

  /// What a firmware stores that boots what was there before the job, or comes with it.
  static func nvramText(_ act: Int, _ side: Side) -> String { "\(act) \(side.rawValue)" }

  /// What its firmware has stored.
  var nvramText: String? {
    nvram.flatMap { FileManager.default.contents(atPath: $0) }.map {
      String(decoding: $0, as: UTF8.self)
    }
  }

  /// Begins a job that makes `old` into `new`.
  func begin(_ contents: Contents) {
    state.withLock { state in
      state.contents = contents
      state.act += 1
      state.history = DiskHistory(contents.old)
      state.hasRunOnNew = false
      state.running?.side = .old
    }
  }

  /// Which side the disks at `paths` are; nil: neither, wholly.
  func side(of paths: [String]) -> Side? {
    let found = paths.map(bytes(of:))
    let contents = contents
    if found == contents.old { return .old }
    return found == contents.new ? .new : nil
  }

  /// What a guest sees of the image at `path`.
  func bytes(of path: String) -> [UInt8] { Array(Self.bytes(of: path).dropFirst(header)) }

  static func bytes(of path: String) -> [UInt8] {
    FileManager.default.contents(atPath: path).map { [UInt8]($0) } ?? []
  }
}

// MARK: - Life

extension Guest {
  func willStart(_ description: DomainDescription) throws(HypervisorError) {
    let paths = description.inactiveDisks.filter(\.isDataDisk).compactMap(\.sourcePath)
    var locks: [RecordLock] = []
    var files: [FileHandle] = []
    for path in paths {
      guard FileManager.default.fileExists(atPath: path) else {
        throw .refused(operation: "start", message: "no such file")
      }
      do throws(RecordLock.Failure) {
        locks.append(try RecordLock(path: path, mode: .exclusive))
      } catch {
        throw .refused(operation: "start", message: "failed to get the write lock")
      }
      guard let file = FileHandle(forUpdatingAtPath: path) else {
        throw .refused(operation: "start", message: "no disk")
      }
      files.append(file)
    }
    guard let path = paths.first, let first = files.first else {
      throw .refused(operation: "start", message: "no disk")
    }
    // What a guest has read is on its disk for good, as far as it matters here.
    course.unsynced.note(.sync(path: path, file: first.fileDescriptor))
    let side = side(of: paths)
    course.trace.add("    the guest starts on its \(side?.rawValue ?? "BROKEN") disks")
    if let nvram {
      let text = Self.nvramText(act, side ?? .old)
      _ = FileManager.default.createFile(atPath: nvram, contents: Data(text.utf8))
    }
    state.withLock { state in
      if side == nil { state.complaints.append("the guest was started on mixed disks") }
      if side == .old, state.hasRunOnNew {
        state.complaints.append("the former disks came back after the guest had run on the new")
      }
      state.hasRun = state.hasRunOnNew
      if side == .new { state.hasRunOnNew = true }
      state.running = Running(locks: locks, files: files, side: side ?? .old)
      (state.isFrozen, state.isPaused) = (false, false)
      state.frozenSince = nil
    }
  }

  /// It runs no more; the last thing that it does is to write to the middle of its first disk.
  func didStop(isSudden: Bool) {
    state.withLock { state in
      if !isSudden, state.running != nil, !state.isPaused {
        let size = state.contents.old.first?.count ?? 0
        write(to: 0, at: size / 2, &state)
      }
      state.running = nil
      state.session = nil
      // What QEMU had in its memory of changes is lost.
      if isSudden { state.changes = [:] }
    }
  }

  /// It was started, but has not run yet.
  func didStartPaused() {
    state.withLock { state in
      state.isPaused = true
      state.hasRunOnNew = state.hasRun
    }
  }

  func didResume() {
    state.withLock { state in
      state.isPaused = false
      if state.running?.side == .new { state.hasRunOnNew = true }
    }
  }

  func setFrozen(_ isFrozen: Bool) {
    let now = course.clock.uptime
    // A libvirt that hangs still passes a thaw on.
    let isExcused = course.happened.contains { happening in
      switch happening {
      case .hung, .clockSet: false
      default: true
      }
    }
    state.withLock { state in
      if let since = state.frozenSince, !isFrozen, now - since > Limits.freezeBound, !isExcused {
        state.complaints.append("the guest was frozen for \(now - since)")
      }
      state.frozenSince = isFrozen ? state.frozenSince ?? now : nil
      state.isFrozen = isFrozen
    }
  }

  func setPaused(_ isPaused: Bool) { state.withLock { $0.isPaused = isPaused } }

  /// Writes something somewhere, if it can.
  func breathe(_ chance: Chance) {
    state.withLock { state in
      guard state.running != nil, !state.isFrozen, !state.isPaused else { return }
      guard chance.isOne(in: 4) else { return }
      let disk = chance.number(in: 0...state.contents.old.count - 1)
      let size = min(state.contents.old[disk].count, state.contents.new[disk].count)
      write(to: disk, at: chance.number(in: 0...size / 8 - 1) * 8, &state)
    }
  }

  /// Makes the disks at `paths` other than they are, and tells what they hold then.
  ///
  /// Where a job would put there what is there already nobody could tell the two apart.
  func scribble(on paths: [String]) -> [[UInt8]] {
    state.withLock { state in
      if state.running != nil { return write(to: 0, at: 0, &state) }
      state.writes += 1
      do {
        let file = try FileHandle(forUpdating: URL(filePath: paths[0]))
        try file.seek(toOffset: UInt64(header))
        try file.write(contentsOf: Data(Self.bytes(of: state.writes)))
      } catch {
        state.complaints.append("the disk could not be written: \(error)")
      }
    }
    return paths.map(bytes(of:))
  }

  private static func bytes(of number: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
  }

  private func write(to disk: Int, at place: Int, _ state: inout State) {
    guard let running = state.running, running.files.indices.contains(disk) else { return }
    state.writes += 1
    let bytes = Self.bytes(of: state.writes)
    do {
      try running.files[disk].seek(toOffset: UInt64(header + place))
      try running.files[disk].write(contentsOf: Data(bytes))
    } catch {
      state.complaints.append("the guest could not write: \(error)")
    }
    switch running.side {
    case .old: state.contents.old[disk].replaceSubrange(place..<place + bytes.count, with: bytes)
    case .new: state.contents.new[disk].replaceSubrange(place..<place + bytes.count, with: bytes)
    }
    state.history.add(disk, place, bytes)
    for block in Set([place / Scenario.chunkSize, (place + 7) / Scenario.chunkSize]) {
      for name in state.changes.keys { state.changes[name]?[disk].insert(block) }
    }
  }
}

// MARK: - Backups

extension Guest {
  /// The moment of a backup: what is offered from now on is what the disks hold now.
  func willBackUp(_ request: BackupRequest) throws(HypervisorError) {
    for disk in request.disks {
      // QEMU makes it, and can't where its folder is gone.
      guard FileManager.default.createFile(atPath: disk.scratchPath, contents: Data()) else {
        throw .refused(operation: "begin backup", message: "no scratch file")
      }
    }
    state.withLock { state in
      guard let running = state.running else { return }
      let bytes = running.side == .new ? state.contents.new : state.contents.old
      var session = GuestSession(domain: domain, socket: request.socketPath)
      for disk in request.disks {
        let number = Self.number(of: disk.targetDevice)
        session.disks[disk.exportName] = GuestSession.Disk(
          bytes: bytes[number],
          changes: disk.changesSince.map { state.changes[$0]?[number] ?? [] }
        )
      }
      state.session = session
      if let checkpoint = request.checkpoint {
        state.changes[checkpoint.name] = bytes.map { _ in [] }
      }
    }
  }

  func endSession() { state.withLock { $0.session = nil } }

  func session(at socket: String) -> GuestSession? {
    let session = state.withLock { $0.session }
    return session?.socket == socket ? session : nil
  }

  /// The blocks that the image at `path` says were written to since a checkpoint; nil: it doesn't say.
  func changes(of path: String, since checkpoint: String) -> Set<Int>? {
    guard let digit = path.last.flatMap({ Int(String($0)) }) else { return nil }
    return state.withLock { $0.changes[checkpoint]?[digit] }
  }

  private static func number(of device: String) -> Int { device == "vda" ? 0 : 1 }
}
