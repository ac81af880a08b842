/// The steps of a restore and of its undo.
///
/// Stored in journals: append only.
package enum RestoreStep: String, Sendable, CaseIterable, Codable {
  case check, stage, verify, stop, swap, start, confirm, finish
  /// The exchange is taken back.
  case rollback
  /// The staged disk is removed and the target is running again if it ran.
  case discard

  /// Whether doing it twice ends as doing it once; a step that isn't looks first what was done.
  package var isIdempotent: Bool {
    switch self {
    case .check, .stage, .verify, .stop, .confirm, .finish, .discard: true
    // These look at the stamps on the files, and at the machine, before they act.
    case .swap, .start, .rollback: false
    }
  }

  /// What undoes it when a later step fails.
  package var undoneBy: RestoreStep? {
    switch self {
    case .stage, .verify, .stop: .discard
    case .swap, .start: .rollback
    case .check, .confirm, .finish, .rollback, .discard: nil
    }
  }
}

/// What a machine drives: putting a backup on, or taking a restore back.
package enum RestoreKind: Sendable, Equatable {
  case restore, undo

  /// The steps of a good run in order.
  package var steps: [RestoreStep] {
    switch self {
    case .restore: [.check, .stage, .verify, .stop, .swap, .start, .confirm, .finish]
    // An undo's disk is there already and was the target's own.
    case .undo: [.check, .stop, .swap, .start, .confirm, .finish]
    }
  }
}
