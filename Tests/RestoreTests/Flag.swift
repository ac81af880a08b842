import Synchronization

/// Something that happened, told between tasks.
final class Flag: Sendable {
  private let raised = Atomic<Bool>(false)

  var isRaised: Bool { raised.load(ordering: .acquiring) }

  func raise() {
    raised.store(true, ordering: .releasing)
  }
}

/// What a test waited for in vain.
struct Unexpected: Error, CustomStringConvertible {
  let description: String
}
