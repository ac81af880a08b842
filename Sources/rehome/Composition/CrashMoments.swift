import Backup
import Foundation
import Restore

#if DEBUG
import Glibc
#endif

/// Lets the crash tests end a debug build's process at a named moment; release builds never do.
enum CrashMoments {
  /// The variable that names the moment, such as `before-exchange`.
  static let variable = "REHOME_TEST_KILL_AT"

  static var restore: @Sendable (RestoreMoment) async -> Void { { die(at: $0.rawValue) } }
  static var backup: @Sendable (BackupMoment) async -> Void { { die(at: $0.rawValue) } }

  private static func die(at moment: String) {
    #if DEBUG
    guard ProcessInfo.processInfo.environment[variable] == moment else { return }
    kill(getpid(), SIGKILL)
    #endif
  }
}
