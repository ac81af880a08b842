import NIOCore

/// Runs the tasks of a connection on its event loop.
///
/// On Swift's pool each part of a request and of its answer would go to another thread and back,
/// which costs more than most answers, and whoever computes in the pool would keep them waiting.
final class EventLoopExecutor: TaskExecutor {
  private let eventLoop: any EventLoop

  init(_ eventLoop: any EventLoop) {
    self.eventLoop = eventLoop
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    // The closure keeps the executor for as long as the job runs on it.
    eventLoop.execute { [self] in unsafe job.runSynchronously(on: asUnownedTaskExecutor()) }
  }
}
