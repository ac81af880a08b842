import Disks
import Foundation

/// Which domains use which files, as it was at one moment.
///
/// Made once and asked for many disks: what libvirt has to tell for it grows with its domains.
package struct FileUsers: Sendable {
  private static let executor = BlockingExecutor(label: "rehome.hypervisor.files", width: 2)

  private struct Inode: Hashable {
    let device: Int
    let number: Int
  }

  /// What makes two paths the same file: the path when links are followed, or the inode.
  private struct Identity {
    let path: String
    let inode: Inode?

    init(_ path: String) {
      self.path = URL(filePath: path).resolvingSymlinksInPath().path
      let attributes = try? FileManager.default.attributesOfItem(atPath: self.path)
      let device = (attributes?[.systemNumber] as? NSNumber)?.intValue
      let number = (attributes?[.systemFileNumber] as? NSNumber)?.intValue
      inode = device.flatMap { device in number.map { Inode(device: device, number: $0) } }
    }
  }

  private var byPath: [String: Set<String>] = [:]
  private var byInode: [Inode: Set<String>] = [:]

  /// What nobody uses.
  package init() {}

  /// A domain uses a file; looks at the disk, so it blocks.
  package mutating func add(_ domain: String, path: String) {
    // What runs and what is defined name the same files; each is looked at once.
    guard byPath[path]?.contains(domain) != true else { return }
    let file = Identity(path)
    byPath[file.path, default: []].insert(domain)
    if let inode = file.inode { byInode[inode, default: []].insert(domain) }
  }

  /// The names of the domains that use a file in any way, symbolic and hard links followed; sorted.
  package func domains(using path: String) async -> [String] {
    await Self.executor.run {
      let file = Identity(path)
      let others = file.inode.flatMap { byInode[$0] } ?? []
      return (byPath[file.path] ?? []).union(others).sorted()
    }
  }
}
