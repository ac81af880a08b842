/// What may be asked of a VPS's machine.
///
/// Stored and on the wire: append only.
package enum PowerAction: String, Sendable, Codable, CaseIterable {
  /// Boot it.
  case start
  /// Ask the guest to end; it is never forced to.
  case shutdown
  /// Pull the plug.
  case stop
  /// Ask the guest to end, then boot it.
  case restart
  /// Press the reset button.
  case reset

  /// Whether the machine boots anew for it, from whatever its disks' files hold.
  package var boots: Bool {
    switch self {
    case .start, .restart: true
    case .shutdown, .stop, .reset: false
    }
  }
}

/// Change the power state of the job's VPS.
package struct PowerTask: Sendable, Equatable, Codable {
  /// What is asked.
  package var action: PowerAction
  /// Whether a restart pulls the plug of a guest that doesn't obey.
  package var isForced: Bool

  /// Makes a task.
  package init(action: PowerAction, isForced: Bool = false) {
    self.action = action
    self.isForced = isForced
  }
}

/// What a power action did.
package struct PowerResult: Sendable, Equatable, Codable {
  /// What was asked.
  package var action: PowerAction
  /// What the machine did when the action had ended.
  package var powerState: PowerState
  /// Whether the plug was pulled.
  package var wasForced: Bool
  /// How long it took.
  package var milliseconds: Int64

  /// Makes a result.
  package init(
    action: PowerAction,
    powerState: PowerState,
    wasForced: Bool,
    milliseconds: Int64
  ) {
    self.action = action
    self.powerState = powerState
    self.wasForced = wasForced
    self.milliseconds = milliseconds
  }
}
