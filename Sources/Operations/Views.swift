package import Model

/// All gates of one VPS, as `actions` shows them.
package struct Gates: Sendable, Equatable {
  /// Whether it may be started.
  package var canStart: Gate
  /// Whether it may be stopped.
  package var canStop: Gate
  /// Whether it may be shut down.
  package var canShutdown: Gate
  /// Whether it may be restarted.
  package var canRestart: Gate
  /// Whether it may be reset.
  package var canReset: Gate
  /// Whether a backup of it may be made.
  package var canCreateBackup: Gate
  /// Whether one of its own backups may be put back.
  package var canRestore: Gate
  /// Whether another VPS's backup may be put onto it.
  package var canRestoreFromAnotherVPS: Gate

  /// Asks every rule.
  package init(_ facts: GateFacts) {
    canStart = Gate { () throws(Refusal) in try GateRules.power(.start, facts) }
    canStop = Gate { () throws(Refusal) in try GateRules.power(.stop, facts) }
    canShutdown = Gate { () throws(Refusal) in try GateRules.power(.shutdown, facts) }
    canRestart = Gate { () throws(Refusal) in try GateRules.power(.restart, facts) }
    canReset = Gate { () throws(Refusal) in try GateRules.power(.reset, facts) }
    canCreateBackup = Gate { () throws(Refusal) in try GateRules.createBackup(facts) }
    canRestore = Gate { () throws(Refusal) in try GateRules.restore(facts) }
    canRestoreFromAnotherVPS = canRestore
  }
}

/// A VPS with what may be done to it.
package struct VPSView: Sendable {
  /// The VPS.
  package var vps: VPS
  /// What may be done to it.
  package var gates: Gates
  /// How many backups it has that count against its limit.
  package var backupsUsed: Int
  /// The job that left its disks so that an operator must look at them, if one did.
  package var unsettledJobID: JobID?

  /// Makes a view.
  package init(vps: VPS, gates: Gates, backupsUsed: Int, unsettledJobID: JobID? = nil) {
    self.vps = vps
    self.gates = gates
    self.backupsUsed = backupsUsed
    self.unsettledJobID = unsettledJobID
  }
}

/// A page of a list.
package struct Page<Item: Sendable>: Sendable {
  /// The items.
  package var items: [Item]
  /// Where the next page starts; nil on the last.
  package var nextCursor: String?

  /// Makes a page.
  package init(items: [Item], nextCursor: String?) {
    self.items = items
    self.nextCursor = nextCursor
  }
}

/// A VPS's backups with what may be done.
package struct BackupList: Sendable {
  /// The VPS with its gates and quota.
  package var view: VPSView
  /// A page of its complete and damaged backups, newest first.
  package var page: Page<Backup>

  /// The backups of the page.
  package var backups: [Backup] { page.items }

  /// Makes a list.
  package init(view: VPSView, page: Page<Backup>) {
    self.view = view
    self.page = page
  }
}

/// One VPS whose backups may be put onto a target.
package struct RestoreSource: Sendable {
  /// A backup and whether it fits the target.
  package struct Choice: Sendable {
    /// The backup.
    package var backup: Backup
    /// Whether it fits.
    package var restorable: Gate
    /// Which disk would go where; empty when it doesn't fit.
    package var pairs: [DiskPair]

    /// Makes a choice.
    package init(backup: Backup, restorable: Gate, pairs: [DiskPair]) {
      self.backup = backup
      self.restorable = restorable
      self.pairs = pairs
    }
  }

  /// The source.
  package var vps: VPS
  /// Whether it is terminated and only its backups are left.
  package var isRetained: Bool
  /// Its restorable backups, newest first; on a page that ends within a source the first of them.
  package var choices: [Choice]

  /// Makes a source.
  package init(vps: VPS, isRetained: Bool, choices: [Choice]) {
    self.vps = vps
    self.isRetained = isRetained
    self.choices = choices
  }
}

/// What a restore would do, told without doing it.
package struct RestorePreview: Sendable {
  /// Which disk goes where.
  package var pairs: [DiskPair]
  /// Host space that staging takes.
  package var neededBytes: Int64
  /// Host space that is free; nil when it isn't known.
  package var freeBytes: Int64?
  /// What the machine does now.
  package var powerState: PowerState

  /// Makes a preview.
  package init(pairs: [DiskPair], neededBytes: Int64, freeBytes: Int64?, powerState: PowerState) {
    self.pairs = pairs
    self.neededBytes = neededBytes
    self.freeBytes = freeBytes
    self.powerState = powerState
  }
}
