internal import Model
internal import Synchronization

/// The writers that are at work, by when they began.
///
/// What a writer has stored or found is named by nothing yet. Garbage collection therefore keeps
/// everything that was touched since the oldest of them began.
final class WriterRegistry: Sendable {
  /// One writer's place, which it has until it leaves, or is gone.
  final class Place: Sendable {
    private let registry: WriterRegistry
    private let number: Int

    fileprivate init(_ registry: WriterRegistry, _ number: Int) {
      self.registry = registry
      self.number = number
    }

    deinit { leave() }

    /// Gives the place up; what the writer stored is named by then, or not wanted.
    func leave() {
      registry.writers.withLock { writers in writers.starts[number] = nil }
    }
  }

  private struct Writers {
    var next = 0
    var starts: [Int: Timestamp] = [:]
  }

  private let writers = Mutex(Writers())

  /// Takes a place for a writer that begins now.
  func enter(at now: Timestamp) -> Place {
    let number = writers.withLock { writers in
      writers.next += 1
      writers.starts[writers.next] = now
      return writers.next
    }
    return Place(self, number)
  }

  /// When the oldest writer at work began; nil if none is.
  var oldestStart: Timestamp? { writers.withLock { $0.starts.values.min() } }
}
