import Datastore
import Disks
import Foundation
import Model
import TestSupport
import Testing

struct LockTests {
  @Test func `A store in use keeps garbage collection of another process away`() async throws {
    try await withScratch { root in
      let lock = root + "/.lock"
      do {
        let test = try TestStore(root: root)
        #expect(try OtherProcess.tries("exclusive", lock) == "busy")
        #expect(try OtherProcess.tries("shared", lock) == "ok")
        // Reading the lock file and closing it again must not drop the lock.
        _ = try test.read(lock)
        #expect(try OtherProcess.tries("exclusive", lock) == "busy")
        try await test.backUp([1])
      }
      #expect(try OtherProcess.tries("exclusive", lock) == "ok")
    }
  }

  @Test func `A store that another process has for itself can't be opened`() async throws {
    try await withScratch { root in
      _ = try TestStore(root: root)
      for (mode, isBusy) in [("exclusive", true), ("shared", false)] {
        let other = try OtherProcess(mode, root + "/.lock")
        defer { other.end() }
        #expect(other.answer == "ok")
        if isBusy {
          #expect(throws: DatastoreError.busy) { try TestStore(root: root) }
        } else {
          _ = try TestStore(root: root)
        }
      }
      _ = try TestStore(root: root)
    }
  }

  @Test func `Garbage is collected alone: no other process has the store meanwhile`()
    async throws
  {
    try await withScratch { root in
      let test = try TestStore(root: root)
      let lock = root + "/.lock"
      let other = try OtherProcess("shared", lock)
      #expect(other.answer == "ok")
      await #expect(throws: DatastoreError.busy) { try await test.store.collectGarbage() }
      // What only tells is no harm to others.
      #expect(try await test.store.collectGarbage(isDryRun: true).isComplete)
      other.end()
      let seen = Answers()
      let store = test.store
      let report = try await store.collectGarbage { progress in
        guard progress.phase == .sweep, progress.done == 0 else { return }
        await seen.add(try? OtherProcess.tries("shared", lock))
        await seen.add(await busy(store) ? "busy" : "ok")
        // A backup of this process goes on.
        await seen.add((try? await test.backUp([1, 2, 3])) == nil ? "failed" : "written")
      }
      #expect(report.isComplete)
      #expect(await seen.all == ["busy", "busy", "written"])
      #expect(try OtherProcess.tries("shared", lock) == "ok")
      #expect(try OtherProcess.tries("exclusive", lock) == "busy")
    }
  }

  private actor Answers {
    private(set) var all: [String?] = []

    func add(_ answer: String?) { all.append(answer) }
  }

  private func busy(_ store: LocalDatastore) async -> Bool {
    do {
      _ = try await store.collectGarbage()
      return false
    } catch {
      return error == .busy
    }
  }

  @Test func `Locks of one process exclude each other too`() async throws {
    try await withScratch { root in
      let path = root + "/lock"
      let one = try RecordLock(path: path, mode: .shared)
      let two = try RecordLock(path: path, mode: .shared)
      #expect(throws: RecordLock.Failure.busy(path: path)) {
        try RecordLock(path: path, mode: .exclusive)
      }
      withExtendedLifetime((one, two)) {}
    }
  }

  @Test func `A lock file that can't be made is an error with its reason`() async throws {
    #expect(throws: RecordLock.Failure.io(operation: "open", path: "/nowhere/lock", errno: 2)) {
      try RecordLock(path: "/nowhere/lock", mode: .shared)
    }
  }
}

/// A Python process that tries to lock a file with the ordinary kind of record lock, and keeps the
/// lock until it is ended.
private final class OtherProcess {
  let answer: String
  private let process = Process()
  private let input = Pipe()

  /// Tries a lock in another process and lets go of it.
  static func tries(_ mode: String, _ path: String) throws -> String {
    let other = try OtherProcess(mode, path)
    other.end()
    return other.answer
  }

  init(_ mode: String, _ path: String) throws {
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", "-c", Self.script, mode, path]
    let output = try TestProcess.begin { [process, input] in
      let output = Pipe()
      process.standardInput = input
      process.standardOutput = output
      try process.run()
      return output
    }
    let line = output.fileHandleForReading.availableData
    answer = String(decoding: line, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  func end() {
    try? input.fileHandleForWriting.close()
    process.waitUntilExit()
  }

  private static let script = #"""
    import fcntl, sys
    file = open(sys.argv[2], "r+b")
    kind = fcntl.LOCK_EX if sys.argv[1] == "exclusive" else fcntl.LOCK_SH
    try:
        fcntl.lockf(file, kind | fcntl.LOCK_NB)
        print("ok", flush=True)
    except OSError:
        print("busy", flush=True)
    sys.stdin.read()
    """#
}
