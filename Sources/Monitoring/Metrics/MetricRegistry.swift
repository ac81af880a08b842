package import CoreMetrics
package import Model
import Synchronization

/// Keeps every figure of this process: a backend of swift-metrics that knows exactly the names of
/// `MetricName`.
///
/// Anything else, be it a library's own name or labels that a name doesn't have, is counted nowhere:
/// what is told and how much memory it takes are decided in one list.
package final class MetricRegistry: MetricsFactory {
  private typealias Series = [String: Instrument]

  private let families = Mutex<[MetricName: Series]>([:])

  /// Makes a registry without any figure.
  package init() {}

  package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    number(label, dimensions, \.isCounter) ?? NOOPMetricsHandler.instance
  }

  package func makeFloatingPointCounter(
    label: String,
    dimensions: [(String, String)]
  ) -> any FloatingPointCounterHandler {
    number(label, dimensions, \.isCounter) ?? NOOPMetricsHandler.instance
  }

  package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
    number(label, dimensions, \.isGauge) ?? NOOPMetricsHandler.instance
  }

  package func makeRecorder(
    label: String,
    dimensions: [(String, String)],
    aggregate: Bool
  ) -> any RecorderHandler {
    if aggregate { return histogram(label, dimensions) ?? NOOPMetricsHandler.instance }
    return number(label, dimensions, \.isGauge) ?? NOOPMetricsHandler.instance
  }

  package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
    histogram(label, dimensions) ?? NOOPMetricsHandler.instance
  }

  // A figure lives as long as the process: a counter that came back at 0 would look like a restart.
  package func destroyCounter(_ handler: any CounterHandler) {}
  package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
  package func destroyMeter(_ handler: any MeterHandler) {}
  package func destroyRecorder(_ handler: any RecorderHandler) {}
  package func destroyTimer(_ handler: any TimerHandler) {}

  /// Every figure as it is now, in the order of the list, its series in the order of their labels.
  package func families(among names: [MetricName] = MetricName.allCases) -> [MetricFamily] {
    let all = families.withLock { $0 }
    return names.compactMap { name in
      guard let series = all[name] else { return nil }
      return MetricFamily(
        name: name,
        samples: series.sorted { $0.key < $1.key }.flatMap { $1.samples(labels: $0) }
      )
    }
  }

  private func number(
    _ label: String,
    _ dimensions: [(String, String)],
    _ fits: (MetricKind) -> Bool
  ) -> NumberInstrument? {
    guard let name = MetricName(rawValue: label), fits(name.kind) else { return nil }
    let found = instrument(name, dimensions) { .number(NumberInstrument()) }
    guard case .number(let number)? = found else { return nil }
    return number
  }

  private func histogram(
    _ label: String,
    _ dimensions: [(String, String)]
  ) -> HistogramInstrument? {
    guard let name = MetricName(rawValue: label), case .histogram(let bounds) = name.kind else {
      return nil
    }
    let found = instrument(name, dimensions) { .histogram(HistogramInstrument(bounds: bounds)) }
    guard case .histogram(let histogram)? = found else { return nil }
    return histogram
  }

  /// The instrument of one series, made when there is none yet; the same for the same labels.
  private func instrument(
    _ name: MetricName,
    _ dimensions: [(String, String)],
    make: () -> Instrument
  ) -> Instrument? {
    guard dimensions.map(\.0) == name.labels else { return nil }
    let labels = ExpositionText.labels(dimensions)
    return families.withLock { families in
      if let known = families[name]?[labels] { return known }
      guard families[name, default: [:]].count < Limits.metricSeries else { return nil }
      let made = make()
      families[name, default: [:]][labels] = made
      return made
    }
  }
}

extension MetricKind {
  fileprivate var isCounter: Bool { self == .counter }
  fileprivate var isGauge: Bool { self == .gauge }
}
