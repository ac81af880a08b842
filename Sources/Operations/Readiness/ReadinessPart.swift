import Model

/// One part of a server that requests or jobs need, and how to find out whether it is there.
package struct ReadinessPart: Sendable {
  /// What a look at a part found.
  package enum State: Sendable, Equatable {
    case ready
    /// Not there, with what is wrong in words for an operator, without secrets or addresses.
    case away(String)
  }

  /// How `/readyz` names it; one of a few.
  package let name: String
  /// How long to wait between two looks.
  package let interval: Duration
  /// Looks at it; may take as long as it takes.
  package let look: @Sendable () async -> State

  /// Makes a part.
  package init(
    _ name: String,
    every interval: Duration = Limits.readinessInterval,
    look: @escaping @Sendable () async -> State
  ) {
    self.name = name
    self.interval = interval
    self.look = look
  }
}
