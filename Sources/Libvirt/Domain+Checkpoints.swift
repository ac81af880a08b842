import CLibvirt
import Glibc

extension Domain {
  /// The names of the domain's checkpoints.
  package func checkpointNames() throws(LibvirtError) -> [String] {
    var list: UnsafeMutablePointer<virDomainCheckpointPtr?>?
    let count = try unsafe LibvirtError.check(
      virDomainListAllCheckpoints(pointer, &list, 0),
      "virDomainListAllCheckpoints"
    )
    guard let list = unsafe list else { return [] }
    defer { unsafe free(list) }
    var names: [String] = []
    for index in 0..<Int(count) {
      guard let checkpoint = unsafe list[index] else { continue }
      if let name = unsafe virDomainCheckpointGetName(checkpoint) {
        unsafe names.append(String(cString: name))
      }
      unsafe virDomainCheckpointFree(checkpoint)
    }
    return names
  }

  /// Removes one checkpoint with the bitmaps that it has on the disks; the domain must run.
  package func deleteCheckpoint(named name: String) throws(LibvirtError) {
    try removeCheckpoint(named: name, flags: 0)
  }

  /// Makes libvirt forget one checkpoint and leaves the disk's bitmaps alone.
  package func forgetCheckpoint(named name: String) throws(LibvirtError) {
    try removeCheckpoint(
      named: name,
      flags: VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY.rawValue
    )
  }

  private func removeCheckpoint(named name: String, flags: UInt32) throws(LibvirtError) {
    let checkpoint = try unsafe LibvirtError.check(
      virDomainCheckpointLookupByName(pointer, name, 0),
      "virDomainCheckpointLookupByName"
    )
    defer { unsafe virDomainCheckpointFree(checkpoint) }
    try unsafe LibvirtError.check(
      virDomainCheckpointDelete(checkpoint, flags),
      "virDomainCheckpointDelete"
    )
  }
}
