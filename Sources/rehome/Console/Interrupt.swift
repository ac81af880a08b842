import Dispatch
import Glibc
import Model

/// While it is held, an interrupt takes the progress bar away and says that the job goes on.
struct Interrupt {
  /// What shells expect of a program that an interrupt has ended.
  private static let exitCode: Int32 = 130

  private let source: any DispatchSourceSignal

  /// Waits for an interrupt from now on.
  init(of job: JobID, view: ProgressView) {
    signal(SIGINT, SIG_IGN)
    source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
    source.setEventHandler {
      view.clear()
      view.console.note("The job goes on. Follow it with: rehome job watch \(job)")
      exit(Self.exitCode)
    }
    source.activate()
  }

  /// Gives the interrupt its usual meaning back.
  func release() {
    source.cancel()
    signal(SIGINT, SIG_DFL)
  }
}
