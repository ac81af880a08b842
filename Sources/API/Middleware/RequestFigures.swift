import CoreMetrics
import Hummingbird
import Model
import Synchronization

/// Counts requests by what they asked and how they were answered.
///
/// It is on the way of every request: the instruments of a route, method and status are made once.
final class RequestFigures: Sendable {
  private struct Kind: Hashable {
    let route: String
    let method: String
    let status: Int
  }

  private struct Instruments {
    let answered: Counter
    let duration: CoreMetrics.Timer
    let limited: Counter?
  }

  /// The label of requests that no route answers.
  private static let noRoute = "none"
  /// Clients may invent methods; those would be labels without end.
  private static let methods: Set<String> = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT",
  ]

  private let factory: any MetricsFactory
  private let inFlight: Meter
  private let known = Mutex<[Kind: Instruments]>([:])

  init(_ factory: any MetricsFactory) {
    self.factory = factory
    inFlight = Meter(label: MetricName.httpInFlight.rawValue, factory: factory)
  }

  /// A request's head has come.
  func begin() { inFlight.increment() }

  /// Its answer was made.
  func end(
    route: String?,
    method: HTTPRequest.Method,
    status: HTTPResponse.Status,
    after duration: Duration
  ) {
    inFlight.decrement()
    let instruments = instruments(
      of: Kind(route: route ?? Self.noRoute, method: method.rawValue, status: status.code)
    )
    instruments.answered.increment()
    instruments.duration.recordNanoseconds(duration.nanoseconds)
    instruments.limited?.increment()
  }

  private func instruments(of kind: Kind) -> Instruments {
    known.withLock { known in
      if let found = known[kind] { return found }
      let made = make(kind)
      // An invented method isn't remembered: its label is one, but its spellings have no end.
      if Self.methods.contains(kind.method) { known[kind] = made }
      return made
    }
  }

  private func make(_ kind: Kind) -> Instruments {
    let method = Self.methods.contains(kind.method) ? kind.method : "other"
    let limited = kind.status == HTTPResponse.Status.tooManyRequests.code
    return Instruments(
      answered: Counter(
        label: MetricName.httpRequests.rawValue,
        dimensions: [
          ("route", kind.route), ("method", method), ("status", String(kind.status)),
        ],
        factory: factory
      ),
      duration: CoreMetrics.Timer(
        label: MetricName.httpDuration.rawValue,
        dimensions: [("route", kind.route), ("method", method)],
        factory: factory
      ),
      limited: limited
        ? Counter(
          label: MetricName.httpRateLimited.rawValue,
          dimensions: [("route", kind.route)],
          factory: factory
        ) : nil
    )
  }
}
