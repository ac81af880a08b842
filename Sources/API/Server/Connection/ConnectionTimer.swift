import Model
import NIOCore

/// One deadline of a connection, which moves with almost every request: the scheduled call is left
/// where it is as long as it comes early enough, for it costs more than looking at the time.
final class ConnectionTimer {
  private let context: ChannelHandlerContext
  private let onTimeout: (ChannelHandlerContext) -> Void
  private var deadline: NIODeadline?
  private var scheduled: (time: NIODeadline, call: Scheduled<Void>)?

  init(_ context: ChannelHandlerContext, onTimeout: @escaping (ChannelHandlerContext) -> Void) {
    self.context = context
    self.onTimeout = onTimeout
  }

  /// Sets the deadline to so long from now; nil: there is none.
  func set(_ duration: Duration?) {
    deadline = duration.map { NIODeadline.now() + TimeAmount($0) }
    guard let deadline else { return }
    if let scheduled {
      guard scheduled.time > deadline else { return }
      scheduled.call.cancel()
    }
    schedule(deadline)
  }

  /// Lets go of everything.
  func stop() {
    deadline = nil
    scheduled?.call.cancel()
    scheduled = nil
  }

  private func schedule(_ time: NIODeadline) {
    let call = context.eventLoop.assumeIsolated().scheduleTask(deadline: time) { [weak self] in
      guard let self else { return }
      fire()
    }
    scheduled = (time, call)
  }

  private func fire() {
    scheduled = nil
    guard let deadline else { return }
    guard deadline <= .now() else { return schedule(deadline) }
    self.deadline = nil
    onTimeout(context)
  }
}
