import Disks
import Foundation
import Model
import TestSupport
import Testing

/// A small file is kept beside its place, and put back as it was.
@Suite(.scratchDirectory) struct KeptFileTests {
  private let path = "\(ScratchDirectory.path)/variables.fd"
  private let copy = "\(ScratchDirectory.path)/kept"

  private func write(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: URL(filePath: path))
  }

  private func text(of path: String) -> String? {
    FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
  }

  @Test func `what was written since goes, and the file stays the same one`() async throws {
    try write("former", to: path)
    try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
    let before = try FileManager.default.attributesOfItem(atPath: path)
    try await KeptFile.keep(path, as: copy)
    for later in ["later, and longer", "l", ""] {
      let file = try FileHandle(forUpdating: URL(filePath: path))
      try file.truncate(atOffset: 0)
      try file.write(contentsOf: Data(later.utf8))
      try file.close()
      for _ in 0..<2 { try await KeptFile.putBack(copy, to: path) }
      #expect(text(of: path) == "former")
    }
    let after = try FileManager.default.attributesOfItem(atPath: path)
    #expect(after[.systemFileNumber] as? Int == before[.systemFileNumber] as? Int)
    #expect(after[.posixPermissions] as? Int == 0o640)
    #expect(text(of: copy) == "former")
  }

  @Test func `where nothing was there is nothing again`() async throws {
    try await KeptFile.check(path)
    try await KeptFile.keep(path, as: copy)
    try write("later", to: path)
    for _ in 0..<2 { try await KeptFile.putBack(copy, to: path) }
    #expect(text(of: path) == nil)
  }

  @Test func `what is gone meanwhile is made again`() async throws {
    try write("former", to: path)
    try await KeptFile.keep(path, as: copy)
    try FileManager.default.removeItem(atPath: path)
    try await KeptFile.putBack(copy, to: path)
    #expect(text(of: path) == "former")
  }

  @Test func `a copy that was cut short is made again`() async throws {
    try write("former", to: path)
    try write("half of", to: "\(copy).partial")
    try await KeptFile.keep(path, as: copy)
    #expect(text(of: copy) == "former")
    #expect(text(of: "\(copy).partial") == nil)
  }

  @Test func `links, folders and large files aren't kept`() async throws {
    let folder = "\(ScratchDirectory.path)/folder"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let link = "\(ScratchDirectory.path)/link"
    try write("a", to: path)
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
    let large = "\(ScratchDirectory.path)/large"
    try write("a", to: large)
    try FileHandle(forUpdating: URL(filePath: large))
      .truncate(atOffset: UInt64(Limits.keptFileBytes) + 1)
    for refused in [link, folder, large] {
      await #expect(throws: DiskError.self, "\(refused)") { try await KeptFile.check(refused) }
      await #expect(throws: DiskError.self, "\(refused)") {
        try await KeptFile.keep(refused, as: copy)
      }
    }
    #expect(text(of: copy) == nil)
  }

  @Test func `without a copy nothing is put back`() async throws {
    try write("present", to: path)
    await #expect(throws: DiskError.self) { try await KeptFile.putBack(copy, to: path) }
    #expect(text(of: path) == "present")
  }
}
