/// How many backups of each kind of period are kept, as a Proxmox Backup Server counts them.
///
/// The numbers are looked at in the order of the members. Each keeps the newest backup of a period,
/// for as many periods as it says that have one; a period of which an earlier number keeps a backup
/// needs no other, and doesn't count. Periods are those of UTC, weeks those of ISO 8601.
package struct PruneRule: Sendable, Equatable {
  /// The newest backups, whatever their time.
  package var last: Int
  /// Hours of which the newest backup is kept.
  package var hourly: Int
  /// Days of which the newest backup is kept.
  package var daily: Int
  /// Weeks of which the newest backup is kept.
  package var weekly: Int
  /// Months of which the newest backup is kept.
  package var monthly: Int
  /// Years of which the newest backup is kept.
  package var yearly: Int

  /// Makes a rule; a number that is 0 keeps nothing.
  package init(
    last: Int = 0,
    hourly: Int = 0,
    daily: Int = 0,
    weekly: Int = 0,
    monthly: Int = 0,
    yearly: Int = 0
  ) {
    self.last = last
    self.hourly = hourly
    self.daily = daily
    self.weekly = weekly
    self.monthly = monthly
    self.yearly = yearly
  }

  /// Whether it says nothing, so that nothing may be removed in its name.
  package var isEmpty: Bool { !Period.allCases.contains { count(of: $0) > 0 } }

  /// The kinds of periods, in the order in which they are looked at.
  enum Period: CaseIterable {
    case last, hourly, daily, weekly, monthly, yearly
  }

  func count(of period: Period) -> Int {
    switch period {
    case .last: last
    case .hourly: hourly
    case .daily: daily
    case .weekly: weekly
    case .monthly: monthly
    case .yearly: yearly
    }
  }
}

/// What a rule says of one backup.
package struct PruneDecision: Sendable, Equatable {
  /// Why a backup stays.
  package enum Reason: String, Sendable, CaseIterable {
    /// A number of the rule keeps it.
    case last, hourly, daily, weekly, monthly, yearly
    /// A job reads it.
    case held
    /// It is the newest complete one.
    case newest
    /// It is damaged, may be healed, and nothing older is kept that could take its place.
    case damaged
  }

  /// The backup.
  package var backup: Backup
  /// Why it stays; nil: it goes.
  package var reason: Reason?

  /// Makes a decision.
  package init(backup: Backup, reason: Reason?) {
    self.backup = backup
    self.reason = reason
  }
}

extension PruneRule {
  /// Decides about a VPS's backups, newest first.
  ///
  /// Only complete ones count; a damaged one goes when all that are kept are newer. What is held
  /// stays and counts nowhere, and so does the newest complete one if no number keeps it.
  package func decide(about backups: [Backup], held: Set<BackupID>) -> [PruneDecision] {
    let newestFirst = backups.filter { $0.state == .complete || $0.state == .damaged }
      .sorted { ($0.createdAt, $0.id) > ($1.createdAt, $1.id) }
    let complete = newestFirst.filter { $0.state == .complete }
    var reasons: [BackupID: PruneDecision.Reason] = [:]
    var gone: Set<BackupID> = []
    for id in held { reasons[id] = .held }
    for period in Period.allCases where count(of: period) > 0 {
      choose(period, among: complete, held: held, &reasons, &gone)
    }
    if let newest = complete.first, reasons[newest.id] == nil { reasons[newest.id] = .newest }
    let oldestKept = complete.last { reasons[$0.id] != nil }?.createdAt
    return newestFirst.map { backup in
      var reason = reasons[backup.id]
      if reason == nil, backup.state == .damaged, oldestKept.map({ backup.createdAt >= $0 }) ?? true
      {
        reason = .damaged
      }
      return PruneDecision(backup: backup, reason: reason)
    }
  }

  /// Lets one number keep the newest backup of each of its periods.
  private func choose(
    _ period: Period,
    among backups: [Backup],
    held: Set<BackupID>,
    _ reasons: inout [BackupID: PruneDecision.Reason],
    _ gone: inout Set<BackupID>
  ) {
    let covered = Set(
      backups.filter { reasons[$0.id] != nil && !held.contains($0.id) }
        .map { period.number(of: $0) }
    )
    var chosen: Set<PeriodNumber> = []
    for backup in backups where reasons[backup.id] == nil && !gone.contains(backup.id) {
      let number = period.number(of: backup)
      if covered.contains(number) { continue }
      guard !chosen.contains(number) else {
        // It has a newer one beside it here, so that no longer period takes it, either.
        gone.insert(backup.id)
        continue
      }
      guard chosen.count < count(of: period) else { return }
      chosen.insert(number)
      reasons[backup.id] = period.reason
    }
  }
}

/// Which period of its kind a backup is of.
private enum PeriodNumber: Hashable {
  case backup(BackupID)
  case number(Int64)
}

extension PruneRule.Period {
  fileprivate var reason: PruneDecision.Reason {
    switch self {
    case .last: .last
    case .hourly: .hourly
    case .daily: .daily
    case .weekly: .weekly
    case .monthly: .monthly
    case .yearly: .yearly
    }
  }

  fileprivate func number(of backup: Backup) -> PeriodNumber {
    let day = CivilDay(of: backup.createdAt)
    switch self {
    case .last: return .backup(backup.id)
    case .hourly: return .number(day.number * 24 + backup.createdAt.hourOfDay)
    case .daily: return .number(day.number)
    // Weeks begin on Monday; 1970-01-01 was a Thursday.
    case .weekly: return .number((day.number + 3 - Int64((day.dayOfWeek + 6) % 7)) / 7)
    case .monthly: return .number(day.year * 12 + day.month)
    case .yearly: return .number(day.year)
    }
  }
}

extension Timestamp {
  fileprivate var hourOfDay: Int64 { (seconds % 86_400 + 86_400) % 86_400 / 3600 }
}
