import Catalog
package import Model

extension Operations {
  /// Removes a VPS's backups that a rule doesn't keep, or tells which these are.
  ///
  /// - Returns: What the rule says of each backup, newest first.
  package func prune(
    _ caller: Caller,
    of id: String,
    by rule: PruneRule,
    isDryRun: Bool
  ) async throws(Refusal) -> [PruneDecision] {
    try caller.require(.backupVM)
    guard !rule.isEmpty else {
      throw .taken("/keep", "A rule that keeps nothing is no rule: say how many to keep.")
    }
    guard !isDryRun else {
      return try await read { try self.decide(caller, about: id, by: rule, $0) }
    }
    return try await write { transaction in
      let decisions = try self.decide(caller, about: id, by: rule, transaction)
      for decision in decisions where decision.reason == nil {
        var gone = decision.backup
        gone.state = .deleting
        try transaction.update(gone)
        try transaction.append(
          self.audit(caller, "backup.prune", gone.id.text, detail: gone.vpsID.text)
        )
      }
      return decisions
    }
  }

  private func decide(
    _ caller: Caller,
    about id: String,
    by rule: PruneRule,
    _ transaction: any CatalogTransaction
  ) throws -> [PruneDecision] {
    let vps = try find(id, for: caller, transaction)
    let backups = try transaction.backups(of: vps.id, in: [.complete, .damaged])
    var held: Set<BackupID> = []
    for backup in backups where try !transaction.holders(of: backup.id).isEmpty {
      held.insert(backup.id)
    }
    return rule.decide(about: backups, held: held)
  }
}
