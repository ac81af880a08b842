import Backup
import Foundation
import Restore

#if DEBUG
import Glibc
#endif

/// Lets the crash tests end a debug build's process at a named moment; release builds never do.
enum CrashMoments {
  static var restore: @Sendable (RestoreMoment) async -> Void { { die(at: $0.rawValue) } }
  static var backup: @Sendable (BackupMoment) async -> Void { { die(at: $0.rawValue) } }

  private static func die(at moment: String) {
    #if DEBUG
    let wanted = ProcessInfo.processInfo.environment[SettingsReader.crashVariable]
    guard wanted == moment else { return }
    kill(getpid(), SIGKILL)
    #endif
  }
}
