import Catalog
package import Model
import Synchronization

/// When keys opened something last, until it is written down: a write for each request would cost
/// more than the request.
package final class KeyUses: Sendable {
  private let times = Mutex<[KeyID: Timestamp]>([:])

  /// Remembers a use; when there is no room for another key, that key's use is known later.
  func note(_ id: KeyID, at time: Timestamp) {
    times.withLock { times in
      if let known = times[id] {
        times[id] = max(known, time)
      } else if times.count < Limits.keyUses {
        times[id] = time
      }
    }
  }

  /// Everything that is remembered, and forgets it.
  func take() -> [KeyID: Timestamp] {
    times.withLock { times in
      defer { times.removeAll(keepingCapacity: true) }
      return times
    }
  }
}

extension Operations {
  /// Writes down when keys were used last, in one transaction.
  package func recordKeyUses() async throws(Refusal) {
    let uses = keyUses.take()
    guard !uses.isEmpty else { return }
    do throws(Refusal) {
      try await write { try $0.recordUses(uses) }
    } catch {
      for (id, time) in uses { keyUses.note(id, at: time) }
      throw error
    }
  }
}
