import Testing

@testable import Backup

/// When a clone of an image that QEMU has open holds all that its checkpoint's backup shows.
struct FlushProofTests {
  private struct Case: Sendable, CustomTestStringConvertible {
    let checkpoint: Int64?
    let copy: Int64?
    let holds: Bool
    var testDescription: String { "\(checkpoint.map(String.init) ?? "-") → \(copy ?? -1)" }
  }

  private static let cases = [
    Case(checkpoint: 7, copy: 7, holds: false),
    // It may have begun before the checkpoint was set.
    Case(checkpoint: 7, copy: 8, holds: false),
    Case(checkpoint: 7, copy: 9, holds: true),
    // Another QEMU counts: the one before has closed the image.
    Case(checkpoint: 7, copy: 6, holds: true),
    Case(checkpoint: 0, copy: 0, holds: false),
    // What isn't counted proves nothing.
    Case(checkpoint: nil, copy: 9, holds: false),
    Case(checkpoint: 7, copy: nil, holds: false),
  ]

  @Test(arguments: cases)
  private func `only two more flushes, or another QEMU, prove it`(_ example: Case) {
    let holds = FlushProof.holds(checkpoint: example.checkpoint, copy: example.copy)
    #expect(holds == example.holds)
  }
}
