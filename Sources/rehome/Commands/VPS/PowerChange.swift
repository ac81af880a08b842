import Model
import Operations

extension CommandContext {
  /// Accepts a power action and shows its job, or follows it.
  func changePower(of id: String, _ task: PowerTask, wait: Bool) async throws(CommandFailure) {
    let view = try await vps(id)
    try await requireWorker(of: view.vps.node, "The power of \(view.vps.name) was not changed.")
    let job = try await asking(missing: Missing.vps(id)) { () async throws(Refusal) in
      try await operations.perform(operations.changePower(caller, of: id, task))
    }
    try await announce(job, wait: wait)
  }
}
