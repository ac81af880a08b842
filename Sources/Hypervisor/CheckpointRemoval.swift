/// What a hypervisor would not remove of the checkpoints that it was asked to; the rest is gone.
package struct CheckpointRemoval: Sendable, Equatable {
  /// Those whose bitmaps it can't find or use: nothing can be removed but its memory of them.
  package var broken: [String]
  /// Those that it doesn't remove now: the domain doesn't run, or does something else.
  package var refused: [String]

  /// Collects names; without any, everything is gone.
  package init(broken: [String] = [], refused: [String] = []) {
    self.broken = broken
    self.refused = refused
  }
}
