import Foundation
import Hummingbird
import Model

/// Events in the format of `text/event-stream`, as the HTML standard has it.
struct EventText: Sendable {
  /// The identifier of a last event: who comes back with it has heard everything.
  static let lastID = "end"
  /// What a stream begins with: how many milliseconds a client waits before it comes back.
  static let opening = "retry: 3000\n\n"

  /// What stands before a problem's code in its type.
  let typeBase: String
  /// The time in an event's identifier.
  let clock: any WallClock

  /// One event with the blank line that ends it.
  func of(_ event: JobEvent) throws -> String {
    switch event {
    case .keepAlive:
      return ": keep-alive\n\n"
    case .progress(let job):
      return try text("progress", id: String(clock.now().milliseconds), job)
    case .last(let job):
      return try text(job.state == .completed ? "completed" : "failed", id: Self.lastID, job)
    }
  }

  private func text(_ name: String, id: String, _ job: Job) throws -> String {
    let encoder = JSONEncoder()
    // JSON without line breaks is one line of data.
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let data = try encoder.encode(JobOperationWire(job, typeBase: typeBase))
    return "id: \(id)\nevent: \(name)\ndata: \(String(decoding: data, as: UTF8.self))\n\n"
  }
}
