import Disks
import Hypervisor

/// Ends a job's session with a running VPS.
struct SessionEnd: Sendable {
  let hypervisor: any Hypervisor
  let reference: DomainReference
  /// The folder of the session's scratch files, which carries the job's id.
  let directory: String

  /// Ends the session if it is the job's, and lets a guest go on that it has stopped.
  func perform() async throws(HypervisorError) {
    // Only a session whose scratch files carry our job's name is ours to end.
    let scratch = try await hypervisor.backupScratchPaths(of: reference) ?? []
    if scratch.contains(where: { $0.hasPrefix(directory + "/") }) {
      try await hypervisor.abortBackup(of: reference)
    }
    // By a write that found no room in the scratch file. Also where the session is gone: whoever ended it may
    // not have come further.
    if try await hypervisor.state(of: reference) == .pausedOnError {
      try await hypervisor.resume(reference)
    }
  }

  /// Removes the folder of a session that was ended, and ends one that has begun meanwhile.
  ///
  /// A begin that libvirt hung in comes to its end when libvirt goes on, whoever waits for it: as long as the
  /// folder is there that its files go into. So only a look after that is the last one.
  func close() async throws(HypervisorError) {
    await RuntimeDirectory(path: directory).remove()
    do throws(HypervisorError) {
      try await perform()
    } catch {
      // As long as the folder is there it is known that something is left to do.
      _ = try? await RuntimeDirectory.ensure(directory)
      throw error
    }
  }
}
