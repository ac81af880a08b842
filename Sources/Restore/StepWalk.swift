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
    typealias Done = Result<(step: Step, record: StagedRecord), StepStop>
    let stop = await withTaskGroup(of: Done.self) { group -> StepStop? in
      var rest = steps[...]
      func add() {
        guard let step = rest.popFirst() else { return }
        group.addTask {
          do throws(StepStop) {
            // By itself: an optimised build of Swift 6.3 spoils a tuple that is begun before it waits.
            let record = try await body(step)
            return .success((step, record))
          } catch {
            return .failure(error)
          }
        }
      }
      for _ in 0..<Limits.stageStepsInFlight { add() }
      while let result = await group.next() {
        do throws(StepStop) {
          let done = try result.get()
          try each(done.step, done.record)
        } catch {
          group.cancelAll()
          return error
        }
        add()
      }
      return nil
    }
    if let stop { throw stop }
  }
}
