internal import Checksum
internal import Synchronization

/// Lets one at a time look at a chunk and act on what it has seen.
///
/// The sweep looks at a chunk's access time and then removes it; who touches the chunk in between
/// would count on what is gone. Chunks share a few locks, since each is held for some
/// microseconds.
struct ChunkStripes: Sendable {
  private final class Stripe: Sendable {
    let mutex = Mutex(())
  }

  private static let count = 256

  private let stripes = (0..<Self.count).map { _ in Stripe() }

  /// Runs `body` while nobody else is alone with this chunk.
  func alone<Value: Sendable>(
    with digest: Digest,
    _ body: () throws(DatastoreError) -> Value
  ) throws(DatastoreError) -> Value {
    try alone(inFolder: StoreLayout.number(of: digest), body)
  }

  /// Runs `body` while nobody else is alone with a chunk of this folder.
  func alone<Value: Sendable>(
    inFolder number: Int,
    _ body: () throws(DatastoreError) -> Value
  ) throws(DatastoreError) -> Value {
    try stripes[number % Self.count].mutex.withLock { _ throws(DatastoreError) in try body() }
  }
}
