import Hypervisor
import Model
import Power
import Testing

/// The decision table, row by row.
@Suite struct PowerPlanTests {
  struct Row: Sendable, CustomTestStringConvertible {
    var action: PowerAction
    var isForced = false
    var sight: PowerSight
    var move: PowerPlan.Move

    var testDescription: String {
      "\(action.rawValue)\(isForced ? " forced" : "") \(sight) → \(move)"
    }

    init(
      _ action: PowerAction,
      _ sight: PowerSight,
      _ move: PowerPlan.Move,
      isForced: Bool = false
    ) {
      self.action = action
      self.sight = sight
      self.move = move
      self.isForced = isForced
    }
  }

  static let rows: [Row] = [
    Row(.start, PowerSight(state: .stopped), .perform(.start)),
    Row(.start, PowerSight(state: .crashed), .perform(.start)),
    Row(.start, PowerSight(state: .running), .complete),
    Row(.start, PowerSight(state: .paused), .refuse(.powerStateUnsettled)),
    Row(.start, PowerSight(state: .stopped, hasSavedState: true), .refuse(.savedState)),
    Row(.start, PowerSight(state: .stopped, begun: [.start]), .perform(.start)),
    Row(.start, PowerSight(state: .stopped, begun: [.start], done: [.start]), .complete),

    Row(.stop, PowerSight(state: .running), .perform(.destroy)),
    Row(.stop, PowerSight(state: .paused), .perform(.destroy)),
    Row(.stop, PowerSight(state: .pausedOnError), .perform(.destroy)),
    Row(.stop, PowerSight(state: .crashed), .perform(.destroy)),
    Row(.stop, PowerSight(state: .crashed, done: [.destroy]), .complete),
    Row(.stop, PowerSight(state: .stopped), .complete),
    Row(.stop, PowerSight(state: .running, begun: [.destroy]), .perform(.destroy)),
    Row(.stop, PowerSight(state: .running, done: [.destroy]), .giveUp),

    Row(.shutdown, PowerSight(state: .running), .perform(.shutdown)),
    Row(.shutdown, PowerSight(state: .stopping), .perform(.shutdown)),
    Row(.shutdown, PowerSight(state: .stopped), .complete),
    Row(.shutdown, PowerSight(state: .paused), .refuse(.powerStateUnsettled)),
    Row(.shutdown, PowerSight(state: .running, isOverdue: true), .giveUp),
    Row(.shutdown, PowerSight(state: .running, isOverdue: true), .giveUp, isForced: true),

    Row(.restart, PowerSight(state: .running), .perform(.shutdown)),
    Row(.restart, PowerSight(state: .running, isOverdue: true), .giveUp),
    Row(.restart, PowerSight(state: .running, isOverdue: true), .perform(.destroy), isForced: true),
    Row(
      .restart,
      PowerSight(state: .running, done: [.destroy], isOverdue: true),
      .giveUp,
      isForced: true
    ),
    Row(.restart, PowerSight(state: .stopped, done: [.shutdown]), .perform(.start)),
    Row(
      .restart,
      PowerSight(state: .stopped, hasSavedState: true, begun: [.shutdown]),
      .refuse(.savedState)
    ),
    // Its worker died after the guest was down, and after the start was begun.
    Row(.restart, PowerSight(state: .stopped, begun: [.shutdown]), .perform(.start)),
    Row(
      .restart,
      PowerSight(state: .running, begun: [.shutdown, .start], done: [.shutdown]),
      .complete
    ),
    Row(
      .restart,
      PowerSight(state: .stopped, begun: [.shutdown, .start], done: [.shutdown, .start]),
      .complete
    ),

    Row(.reset, PowerSight(state: .running), .perform(.reset)),
    Row(.reset, PowerSight(state: .running, begun: [.reset]), .perform(.reset)),
    Row(.reset, PowerSight(state: .running, begun: [.reset], done: [.reset]), .complete),
    Row(.reset, PowerSight(state: .stopped), .refuse(.powerStateUnsettled)),
  ]

  @Test(arguments: rows) func `each sight has its move`(_ row: Row) {
    let task = PowerTask(action: row.action, isForced: row.isForced)
    #expect(PowerPlan.move(for: task, row.sight) == row.move)
  }

  @Test(arguments: PowerAction.allCases, DomainState.allCases)
  func `only a stop and a forced restart pull the plug`(
    _ action: PowerAction,
    _ state: DomainState
  ) {
    for isOverdue in [false, true] {
      for begun in PowerEffect.allCases {
        let sight = PowerSight(state: state, begun: [begun], isOverdue: isOverdue)
        let move = PowerPlan.move(for: PowerTask(action: action), sight)
        if action != .stop { #expect(move != .perform(.destroy), "\(sight)") }
      }
    }
  }
}
