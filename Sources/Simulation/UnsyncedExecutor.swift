import Disks
import Glibc
import Synchronization

/// What a file system would lose if the power went now, and the losing of it.
///
/// Content and marks of a file are safe after it was synced, names after their directory was.
/// Names are lost in the reverse of the order in which they were made, pages and marks in none.
final class UnsyncedExecutor: Sendable {
  /// A file as it is on the disk, not in the cache.
  private final class SafeFile: Sendable {
    let path: String
    let descriptor: Int32
    let content: [UInt8]
    let mark: [UInt8]?

    init(_ path: String, _ descriptor: Int32) {
      self.path = path
      self.descriptor = descriptor
      content = Self.content(of: descriptor)
      mark = Self.mark(of: descriptor)
    }

    deinit { close(descriptor) }

    static func content(of descriptor: Int32) -> [UInt8] {
      var info = stat()
      guard unsafe fstat(descriptor, &info) == 0, info.st_size > 0 else { return [] }
      var bytes = [UInt8](repeating: 0, count: info.st_size)
      let count = unsafe bytes.withUnsafeMutableBytes {
        unsafe pread(descriptor, $0.baseAddress, $0.count, 0)
      }
      return Array(bytes.prefix(max(0, count)))
    }

    static func mark(of descriptor: Int32) -> [UInt8]? {
      var bytes = [UInt8](repeating: 0, count: 1024)
      let count = unsafe bytes.withUnsafeMutableBytes {
        unsafe fgetxattr(descriptor, Stamp.attribute, $0.baseAddress, $0.count)
      }
      return count < 0 ? nil : Array(bytes.prefix(count))
    }

    /// Takes pages back, each or not as it happens, and the mark.
    func lose(_ chance: Chance) {
      let now = Self.content(of: descriptor)
      for start in stride(from: 0, to: content.count, by: UnsyncedExecutor.pageSize) {
        let page = content[start..<min(content.count, start + UnsyncedExecutor.pageSize)]
        guard start >= now.count || now[start..<min(now.count, page.endIndex)] != page,
          chance.isOne(in: 2)
        else { continue }
        _ = unsafe Array(page).withUnsafeBytes {
          unsafe pwrite(descriptor, $0.baseAddress, $0.count, start)
        }
      }
      if now.count > content.count { loseEnd(now.count, chance) }
      guard chance.isOne(in: 2) else { return }
      if let mark {
        _ = unsafe mark.withUnsafeBytes {
          unsafe fsetxattr(descriptor, Stamp.attribute, $0.baseAddress, $0.count, 0)
        }
      } else {
        _ = unsafe fremovexattr(descriptor, Stamp.attribute)
      }
    }

    /// What a file has got beyond its former end isn't there, or is there without its bytes.
    private func loseEnd(_ count: Int, _ chance: Chance) {
      guard !chance.isOne(in: 2) else {
        _ = ftruncate(descriptor, content.count)
        return
      }
      for start in stride(from: content.count, to: count, by: UnsyncedExecutor.pageSize)
      where chance.isOne(in: 4) {
        let zeros = [UInt8](repeating: 0, count: min(UnsyncedExecutor.pageSize, count - start))
        _ = unsafe zeros.withUnsafeBytes {
          unsafe pwrite(descriptor, $0.baseAddress, $0.count, start)
        }
      }
    }
  }

  private enum Name: Sendable {
    case made(String)
    case removed(String, kept: String)
    case exchanged(String, String)
    case renamed(String, to: String, replaced: String?)
    case madeDirectory(String)
    case removedDirectory(String)

    var directories: Set<String> {
      switch self {
      case .made(let path), .removed(let path, _), .madeDirectory(let path),
        .removedDirectory(let path):
        [Self.directory(of: path)]
      case .exchanged(let first, let second), .renamed(let first, let second, _):
        [Self.directory(of: first), Self.directory(of: second)]
      }
    }

    /// What is kept in the trash until the name is durable.
    var kept: String? {
      switch self {
      case .removed(_, let kept): kept
      case .renamed(_, _, let replaced): replaced
      case .made, .exchanged, .madeDirectory, .removedDirectory: nil
      }
    }

    static func directory(of path: String) -> String {
      path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "/"
    }
  }

  private struct State {
    var files: [UInt64: SafeFile] = [:]
    var names: [Name] = []
    var count = 0
  }

  private static let pageSize = 4096

  private let trash: String
  private let state = Mutex(State())

  /// Makes a world without anything unsynced; `trash` is a directory of the same file system.
  init(trash: String) {
    self.trash = trash
  }

  /// Takes note of an effect that is about to happen.
  func note(_ effect: FileEffect) {
    switch effect {
    case .read: break
    case .create(let path):
      if !Self.exists(path) { state.withLock { $0.names.append(.made(path)) } }
    case .write(let path, let file), .resize(let path, let file), .mark(let path, let file):
      keep(path, file)
    case .sync(let path, let file): sync(path, file)
    case .remove(let path): remove(path)
    case .exchange(let first, let second):
      guard Self.exists(first), Self.exists(second) else { return }
      state.withLock { $0.names.append(.exchanged(first, second)) }
    case .rename(let path, let target): rename(path, target)
    case .makeDirectory(let path):
      if !Self.exists(path) { state.withLock { $0.names.append(.madeDirectory(path)) } }
    case .removeDirectory(let path):
      if Self.exists(path) { state.withLock { $0.names.append(.removedDirectory(path)) } }
    case .syncAll(let path): syncAll(path)
    }
  }

  /// Loses what was not made durable: some of it, as chance will have it.
  func lose(_ chance: Chance) -> Int {
    state.withLock { state in
      let kept = chance.number(in: 0...state.names.count)
      let lost = state.names.count - kept
      for name in state.names[kept...].reversed() { takeBack(name, &state) }
      for number in state.files.keys.sorted() { state.files[number]?.lose(chance) }
      forget(&state)
      return lost
    }
  }

  /// Makes everything durable, as a file system does by itself after a while.
  func settle() { state.withLock { forget(&$0) } }

  private func forget(_ state: inout State) {
    for kept in state.names.compactMap(\.kept) { unsafe unlink(kept) }
    state.names = []
    state.files = [:]
  }

  private func keep(_ path: String, _ file: Int32) {
    var info = stat()
    guard unsafe fstat(file, &info) == 0 else { return }
    let number = UInt64(info.st_ino)
    state.withLock { state in
      guard state.files[number] == nil else { return }
      // Opened again: what was opened to read only must be writable here, and stays open.
      let own = unsafe open("/proc/self/fd/\(file)", O_RDWR | O_CLOEXEC)
      if own >= 0 { state.files[number] = SafeFile(path, own) }
    }
  }

  private func sync(_ path: String, _ file: Int32) {
    var info = stat()
    guard unsafe fstat(file, &info) == 0 else { return }
    state.withLock { state in
      guard info.st_mode & S_IFMT == S_IFDIR else {
        state.files[UInt64(info.st_ino)] = nil
        return
      }
      Self.settle(&state) { $0.contains(path) }
    }
  }

  /// Everything under a directory, as far as this file system goes in a simulation, is durable.
  private func syncAll(_ path: String) {
    state.withLock { state in
      for (number, file) in state.files where file.path.hasPrefix(path + "/") {
        state.files[number] = nil
      }
      Self.settle(&state) { $0.contains { $0 == path || $0.hasPrefix(path + "/") } }
    }
  }

  /// Makes the names in some directories durable.
  private static func settle(_ state: inout State, _ isDurable: (Set<String>) -> Bool) {
    state.names.removeAll { name in
      guard isDurable(name.directories) else { return false }
      if let kept = name.kept { unsafe unlink(kept) }
      return true
    }
  }

  private func rename(_ path: String, _ target: String) {
    guard Self.exists(path) else { return }
    state.withLock { state in
      state.count += 1
      let kept = "\(trash)/\(state.count)"
      let isReplacing = unsafe link(target, kept) == 0
      state.names.append(.renamed(path, to: target, replaced: isReplacing ? kept : nil))
    }
  }

  private func remove(_ path: String) {
    state.withLock { state in
      state.count += 1
      let kept = "\(trash)/\(state.count)"
      guard unsafe Glibc.rename(path, kept) == 0 else { return }
      // What is removed next is this name, so there must be one.
      guard unsafe link(kept, path) == 0 else { return }
      state.names.append(.removed(path, kept: kept))
    }
  }

  private func takeBack(_ name: Name, _ state: inout State) {
    switch name {
    case .made(let path): unsafe unlink(path)
    case .removed(let path, let kept):
      if !Self.exists(path) { unsafe Glibc.rename(kept, path) }
    case .exchanged(let first, let second):
      let third = "\(trash)/exchange"
      unsafe Glibc.rename(first, third)
      unsafe Glibc.rename(second, first)
      unsafe Glibc.rename(third, second)
    case .renamed(let path, let target, let replaced):
      unsafe Glibc.rename(target, path)
      if let replaced { unsafe Glibc.rename(replaced, target) }
    case .madeDirectory(let path):
      // Nothing that is in it is reached any more.
      state.count += 1
      unsafe Glibc.rename(path, "\(trash)/\(state.count)")
    case .removedDirectory(let path): unsafe mkdir(path, 0o755)
    }
  }

  private static func exists(_ path: String) -> Bool {
    var info = stat()
    return unsafe lstat(path, &info) == 0
  }
}

// Extended attributes, which the C library's module doesn't show.

@_silgen_name("fgetxattr")
private func fgetxattr(
  _ file: Int32,
  _ name: UnsafePointer<CChar>,
  _ value: UnsafeMutableRawPointer?,
  _ size: Int
) -> Int

@_silgen_name("fsetxattr")
private func fsetxattr(
  _ file: Int32,
  _ name: UnsafePointer<CChar>,
  _ value: UnsafeRawPointer?,
  _ size: Int,
  _ flags: Int32
) -> Int32

@_silgen_name("fremovexattr")
private func fremovexattr(_ file: Int32, _ name: UnsafePointer<CChar>) -> Int32
