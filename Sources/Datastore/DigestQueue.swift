package import Checksum
package import Disks
import Foundation
import Synchronization

/// Hashes chunks for many at the same time, two together where that is faster.
///
/// As many threads hash as there are processors; whoever comes while all of them do waits, and of
/// those that wait two are taken together. So pairs form when processors are short, and nobody waits
/// for a partner.
package final class DigestQueue: Sendable {
  /// What somebody is to do when its turn comes.
  private enum Turn {
    /// Hash its own chunk, and this one's with it.
    case lead(Request?)
    /// Somebody else has hashed it.
    case served(Digest)
  }

  private struct Request {
    let buffer: AlignedBuffer
    let count: Int
    let continuation: CheckedContinuation<Turn, Never>
  }

  private struct State {
    var active = 0
    var waiting: [Request] = []
  }

  private let threads: BlockingExecutor
  private let width: Int
  private let takesPairs: Bool
  private let state = Mutex(State())

  /// Makes a queue whose work blocks `threads`.
  ///
  /// - Parameters:
  ///   - threads: Where it hashes.
  ///   - width: How many hash at the same time; nil: as many as there are processors.
  ///   - takesPairs: Whether two are hashed together; nil: if that is faster here.
  package init(on threads: BlockingExecutor, width: Int? = nil, takesPairs: Bool? = nil) {
    self.threads = threads
    self.width = max(1, width ?? ProcessInfo.processInfo.activeProcessorCount)
    self.takesPairs = takesPairs ?? Digest.isFasterInPairs
  }

  /// The SHA-256 of the first `count` bytes of `buffer`, which nobody may write to meanwhile.
  package func digest(of buffer: AlignedBuffer, count: Int) async -> Digest {
    let turn = await withCheckedContinuation { continuation in
      let leads = state.withLock { state in
        guard state.active == width else {
          state.active += 1
          return true
        }
        state.waiting.append(Request(buffer: buffer, count: count, continuation: continuation))
        return false
      }
      if leads { continuation.resume(returning: .lead(nil)) }
    }
    switch turn {
    case .served(let digest): return digest
    case .lead(let partner):
      let (own, other) = await threads.run { Self.hash(buffer, partner?.buffer, count) }
      passOn()
      if let partner, let other { partner.continuation.resume(returning: .served(other)) }
      return own
    }
  }

  private static func hash(
    _ buffer: AlignedBuffer,
    _ partner: AlignedBuffer?,
    _ count: Int
  ) -> (Digest, Digest?) {
    buffer.withBytes(count) { own in
      guard let partner else { return (Digest(sha256: own), nil) }
      let (first, second) = partner.withBytes(count) { Digest.pair(sha256: own, $0) }
      return (first, second)
    }
  }

  /// Gives its place to whoever has waited longest, with the next one of the same length.
  private func passOn() {
    let next = state.withLock { state -> (leader: Request, partner: Request?)? in
      guard !state.waiting.isEmpty else {
        state.active -= 1
        return nil
      }
      let leader = state.waiting.removeFirst()
      let place = takesPairs ? state.waiting.firstIndex { $0.count == leader.count } : nil
      return (leader, place.map { state.waiting.remove(at: $0) })
    }
    next?.leader.continuation.resume(returning: .lead(next?.partner))
  }
}
