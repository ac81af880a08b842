import Model
import Restore
import Testing

@Suite struct RestoreMachineTests {
  private static let failure = JobFailure(code: .internalError, detail: "it broke")
  private static let transient = JobFailure(
    code: .hypervisorUnavailable,
    detail: "gone",
    isTransient: true
  )

  private static func machine(at step: RestoreStep, _ kind: RestoreKind = .restore)
    -> RestoreMachine
  {
    var machine = RestoreMachine(kind)
    var action = machine.on(.taken(JournalSummary()))
    while action != .perform(step), case .perform(let current) = action {
      action = machine.on(.succeeded(current))
    }
    return machine
  }

  @Test(arguments: [RestoreKind.restore, .undo])
  func `a good run performs every step in order and completes`(kind: RestoreKind) {
    var machine = RestoreMachine(kind)
    var action = machine.on(.taken(JournalSummary()))
    var performed: [RestoreStep] = []
    while case .perform(let step) = action {
      performed.append(step)
      action = machine.on(.succeeded(step))
    }
    #expect(performed == kind.steps)
    #expect(action == .complete)
  }

  @Test(arguments: [RestoreStep.check, .stage, .verify, .stop])
  func `a failure before the exchange discards the stage`(step: RestoreStep) {
    var machine = Self.machine(at: step)
    #expect(
      machine.on(.failed(step, Self.failure, isLastAttempt: false))
        == .turnBack(.discard, .failed(Self.failure))
    )
    #expect(machine.on(.succeeded(.discard)) == .end(.failed(Self.failure)))
  }

  @Test(arguments: [RestoreStep.swap, .start])
  func `a failure in swap or start rolls back, then discards`(step: RestoreStep) {
    var machine = Self.machine(at: step)
    #expect(
      machine.on(.failed(step, Self.failure, isLastAttempt: false))
        == .turnBack(.rollback, .failed(Self.failure))
    )
    #expect(machine.on(.succeeded(.rollback)) == .turnBack(.discard, .failed(Self.failure)))
    #expect(machine.on(.succeeded(.discard)) == .end(.failed(Self.failure)))
  }

  @Test(arguments: [RestoreStep.swap, .start])
  func `files that can't be told apart stop everything`(step: RestoreStep) {
    let failure = JobFailure(code: .internalError, detail: "whose?", left: .needsOperator)
    var machine = Self.machine(at: step)
    #expect(
      machine.on(.failed(step, failure, isLastAttempt: false)) == .end(.failed(failure))
    )
  }

  @Test(arguments: [RestoreStep.confirm, .finish])
  func `after the start nothing turns back`(step: RestoreStep) {
    var machine = Self.machine(at: step)
    #expect(
      machine.on(.failed(step, Self.failure, isLastAttempt: true)) == .end(.failed(Self.failure))
    )
  }

  @Test(arguments: RestoreKind.restore.steps)
  func `a transient failure gives the job back unless it was the last attempt`(step: RestoreStep) {
    var machine = Self.machine(at: step)
    var last = machine
    #expect(
      machine.on(.failed(step, Self.transient, isLastAttempt: false)) == .retry(Self.transient)
    )
    let isRetried =
      last.on(.failed(step, Self.transient, isLastAttempt: true)) == .retry(Self.transient)
    #expect(isRetried == [.confirm, .finish].contains(step), "what is begun must be ended")
  }

  @Test(arguments: RestoreStep.allCases)
  func `a cancel is followed until the exchange has happened`(step: RestoreStep) {
    guard RestoreKind.restore.steps.contains(step) else { return }
    var machine = Self.machine(at: step)
    let canCancel = [.check, .stage, .verify, .stop, .swap].contains(step)
    #expect(machine.canCancel == canCancel)
    guard canCancel else { return }
    #expect(machine.on(.cancelRequested) == .turnBack(.discard, .cancelled))
    #expect(machine.on(.succeeded(.discard)) == .end(.cancelled))
  }

  struct Resume: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var begun: Set<RestoreStep>
    var done: Set<RestoreStep>
    var cause: RestoreEnding?
    var action: RestoreMachine.Action
  }

  static let resumes: [Resume] = [
    Resume(testDescription: "empty journal", begun: [], done: [], action: .perform(.check)),
    Resume(
      testDescription: "died in stage",
      begun: [.check, .stage],
      done: [.check],
      action: .perform(.check)
    ),
    Resume(
      testDescription: "died after verify",
      begun: [.check, .stage, .verify],
      done: [.check, .stage, .verify],
      action: .perform(.check)
    ),
    Resume(
      testDescription: "died in stop",
      begun: [.check, .stage, .verify, .stop],
      done: [.check, .stage, .verify],
      action: .perform(.stop)
    ),
    Resume(
      testDescription: "died between stop and swap",
      begun: [.stage, .verify, .stop],
      done: [.stage, .verify, .stop],
      action: .perform(.swap)
    ),
    Resume(
      testDescription: "died in swap",
      begun: [.stop, .swap],
      done: [.stop],
      action: .perform(.swap)
    ),
    Resume(
      testDescription: "died in start",
      begun: [.stop, .swap, .start],
      done: [.stop, .swap],
      action: .perform(.start)
    ),
    Resume(
      testDescription: "died in confirm",
      begun: [.stop, .swap, .start, .confirm],
      done: [.stop, .swap, .start],
      action: .perform(.confirm)
    ),
    Resume(
      testDescription: "died in rollback",
      begun: [.stop, .swap, .start, .rollback],
      done: [.stop, .swap],
      cause: .failed(failure),
      action: .turnBack(.rollback, .failed(failure))
    ),
    Resume(
      testDescription: "died after rollback",
      begun: [.stop, .swap, .start, .rollback],
      done: [.stop, .swap, .rollback],
      cause: .failed(failure),
      action: .turnBack(.discard, .failed(failure))
    ),
    Resume(
      testDescription: "died in the discard of a cancel",
      begun: [.check, .stage, .discard],
      done: [.check],
      cause: .cancelled,
      action: .turnBack(.discard, .cancelled)
    ),
  ]

  @Test(arguments: resumes)
  func `a journal leads on from where the dead worker was`(_ item: Resume) {
    var machine = RestoreMachine(.restore)
    let journal = JournalSummary(begun: item.begun, done: item.done, cause: item.cause)
    #expect(machine.on(.taken(journal)) == item.action)
  }

  @Test(arguments: 0..<200)
  func `any walk ends, and never discards a disk that the target runs on`(seed: Int) {
    var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
    func chance(_ outOf: UInt64) -> Bool {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state >> 33) % outOf == 0
    }
    var machine = RestoreMachine(.restore)
    var action = machine.on(.taken(JournalSummary()))
    var swapped = false
    for _ in 0..<40 {
      switch action {
      case .perform(let step), .turnBack(let step, _):
        if step == .swap { swapped = true }
        if step == .discard { #expect(!swapped, "seed \(seed)") }
        if chance(4) {
          action = machine.on(.failed(step, Self.failure, isLastAttempt: true))
        } else {
          if step == .rollback { swapped = false }
          action = machine.on(.succeeded(step))
        }
      case .retry, .complete, .end: return
      }
    }
    Issue.record("seed \(seed) did not end")
  }
}
