import Catalog
package import Model

extension Operations {
  /// Asks a node's worker to collect its datastore's garbage; one that is asked for already is the
  /// same.
  package func collectGarbage(_ caller: Caller, node: String) async throws(Refusal) -> StoreTask {
    try await add(
      caller,
      StoreTask(node: node, kind: .collect, actor: caller.actor, createdAt: clock.now())
    )
  }

  /// Asks a node's worker to read all its backups.
  package func verifyBackups(_ caller: Caller, node: String) async throws(Refusal) -> StoreTask {
    let now = clock.now()
    return try await add(
      caller,
      StoreTask(
        node: node,
        kind: .verify,
        // Those made in this very millisecond as well.
        verifiedBefore: now.advanced(by: .milliseconds(1)),
        actor: caller.actor,
        createdAt: now
      )
    )
  }

  /// Asks the worker of a backup's node to read it.
  package func verifyBackup(_ caller: Caller, _ id: String) async throws(Refusal) -> StoreTask {
    let (backup, node) = try await read { transaction throws -> (Backup, String) in
      guard let id = BackupID(id), let backup = try transaction.backup(id),
        backup.state == .complete || backup.state == .damaged,
        let vps = try transaction.vps(backup.vpsID)
      else { throw Refusal.notFound }
      return (backup, vps.node)
    }
    return try await add(
      caller,
      StoreTask(
        node: node,
        kind: .verify,
        backupID: backup.id,
        actor: caller.actor,
        createdAt: clock.now()
      )
    )
  }

  /// A task on a datastore.
  package func storeTask(_ number: Int64) async throws(Refusal) -> StoreTask {
    try await read { transaction throws -> StoreTask in
      guard let task = try transaction.storeTask(number) else { throw Refusal.notFound }
      return task
    }
  }

  private func add(_ caller: Caller, _ task: StoreTask) async throws(Refusal) -> StoreTask {
    try await write { transaction in
      guard try transaction.node(task.node) != nil else { throw Refusal.notFound }
      let stored = try transaction.insert(task)
      try transaction.append(
        self.audit(
          caller,
          "datastore.\(task.kind.rawValue)",
          task.node,
          detail: task.backupID?.text
        )
      )
      return stored
    }
  }
}
