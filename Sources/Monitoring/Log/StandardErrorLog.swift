import Foundation
import Synchronization

/// Standard error as the place of the log.
package enum StandardErrorLog {
  /// Keeps a line from being cut by another one.
  private static let turn = Mutex(())

  /// Writes a line; one that nobody reads any more is lost, since there is nobody to tell.
  package static func write(_ line: String) {
    turn.withLock { _ in
      try? FileHandle.standardError.write(contentsOf: Data(line.utf8))
    }
  }
}
