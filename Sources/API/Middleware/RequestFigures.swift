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
  /// The label of what came in place of a request and couldn't be read as one.
  private static let unreadable = "unreadable"
  private static let otherMethod = "other"
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
    let method = Self.methods.contains(method.rawValue) ? method.rawValue : Self.otherMethod
    end(Kind(route: route ?? Self.noRoute, method: method, status: status.code), after: duration)
  }

  /// The answer to what isn't a request was made; nothing that its sender chose is in the labels.
  func endUnreadable(status: HTTPResponse.Status, after duration: Duration) {
    let kind = Kind(route: Self.unreadable, method: Self.otherMethod, status: status.code)
    end(kind, after: duration)
  }

  private func end(_ kind: Kind, after duration: Duration) {
    inFlight.decrement()
    let instruments = instruments(of: kind)
    instruments.answered.increment()
    instruments.duration.recordNanoseconds(duration.nanoseconds)
    instruments.limited?.increment()
  }

  private func instruments(of kind: Kind) -> Instruments {
    known.withLock { known in
      if let found = known[kind] { return found }
      let made = make(kind)
      known[kind] = made
      return made
    }
  }

  private func make(_ kind: Kind) -> Instruments {
    let limited = kind.status == HTTPResponse.Status.tooManyRequests.code
    return Instruments(
      answered: Counter(
        label: MetricName.httpRequests.rawValue,
        dimensions: [
          ("route", kind.route), ("method", kind.method), ("status", String(kind.status)),
        ],
        factory: factory
      ),
      duration: CoreMetrics.Timer(
        label: MetricName.httpDuration.rawValue,
        dimensions: [("route", kind.route), ("method", kind.method)],
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
