import CLibvirt
import Dispatch
import Foundation

/// libvirt's default event loop, in a thread of its own for as long as the process lives.
enum EventLoop {
  /// Starts the loop at the first call; later calls cost nothing.
  ///
  /// It must run before the first connection is opened, else that one has no keep-alive.
  static func start() {
    _ = started
  }

  private static let started: Bool = {
    unsafe virSetErrorFunc(nil) { _, _ in }
    // libvirt writes to its sockets and pipes with plain writes: a daemon that dies in the middle
    // would end this process.
    signal(SIGPIPE, SIG_IGN)
    guard virInitialize() == 0, virEventRegisterDefaultImpl() == 0 else { return false }
    let thread = Thread {
      while true {
        // A failing turn (out of memory, a closed descriptor) must not end keep-alive for all
        // connections, nor spin.
        if virEventRunDefaultImpl() < 0 {
          _ = DispatchSemaphore(value: 0).wait(timeout: .now() + .milliseconds(100))
        }
      }
    }
    thread.name = "libvirt-events"
    thread.start()
    return true
  }()
}
