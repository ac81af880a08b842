import Catalog
package import Model
import Synchronization

/// The keys that open something, as they were some seconds ago: tells without asking the catalog
/// that a key can't be good.
///
/// Nobody is let in by it: what it doesn't rule out is looked up. It is read again and again only
/// while it is asked, at most every `Limits.keyRosterAge`, whatever the number of questions.
package final class KeyRoster: Sendable {
  private struct State {
    /// The hash of each key's text; nil: not known, or too many to hold.
    var hashes: [KeyID: [UInt8]]?
    var readAt: Timestamp?
  }

  private let state = Mutex(State())

  /// Whether the one who asks has to read it anew; the others go on with what there is.
  func mustBeRead(at now: Timestamp) -> Bool {
    state.withLock { state in
      if let readAt = state.readAt, readAt <= now, now < readAt.advanced(by: Limits.keyRosterAge) {
        return false
      }
      state.readAt = now
      return true
    }
  }

  /// Takes what was read.
  func take(_ hashes: [KeyID: [UInt8]]?) {
    state.withLock { $0.hashes = hashes }
  }

  /// Whether a key isn't ruled out.
  func mayOpen(_ key: KeyText) -> Bool {
    guard let hashes = state.withLock({ $0.hashes }) else { return true }
    return hashes[key.id].map { KeyHash.matches($0, KeyHash.of(key.secret)) } ?? false
  }
}

extension Operations {
  /// Whether a key may open something; false when that is ruled out without looking it up.
  ///
  /// A key that was made within `Limits.keyRosterAge` may be ruled out wrongly, so this is only for
  /// callers who may be told to come back later.
  package func mayOpen(_ key: KeyText) async -> Bool {
    let now = clock.now()
    if keyRoster.mustBeRead(at: now) {
      do throws(Refusal) {
        let found = try await read {
          try $0.usableKeyHashes(at: now, limit: Limits.keyRoster + 1)
        }
        keyRoster.take(found.count > Limits.keyRoster ? nil : found)
      } catch {
        // The look-up will tell what is wrong with the catalog.
        return true
      }
    }
    return keyRoster.mayOpen(key)
  }
}
