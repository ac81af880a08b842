import Disks
import Model

/// Does the steps of a plan, several at a time, in no promised order.
enum StepWalk {
  /// Does `body` for every step; `each` hears of each one that is done, one at a time, and stops
  /// the walk by throwing.
  ///
  /// Steps begin in the order of the disk, which is the order in which a backup wrote the chunks:
  /// so neighbours on the disk are neighbours in time.
  static func run<Step: Sendable>(
    _ steps: [Step],
    each: (_ step: Step, StagedRecord) throws(StepStop) -> Void,
    body: @escaping @Sendable (Step) async throws(StepStop) -> StagedRecord
  ) async throws(StepStop) {
    try await BoundedWalk.run(steps, width: Limits.stageStepsInFlight, each: each, body: body)
  }
}
