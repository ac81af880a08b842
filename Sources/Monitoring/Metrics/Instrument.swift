import CoreMetrics
import Synchronization

/// What keeps one series.
enum Instrument: Sendable {
  case number(NumberInstrument)
  case histogram(HistogramInstrument)

  func samples(labels: String) -> [MetricFamily.Sample] {
    switch self {
    case .number(let number): [MetricFamily.Sample(labels: labels, value: number.current)]
    case .histogram(let histogram): histogram.samples(labels: labels)
    }
  }
}

/// A counter or a gauge.
final class NumberInstrument: CounterHandler, FloatingPointCounterHandler, MeterHandler,
  RecorderHandler
{
  private let value = Mutex(0.0)

  var current: Double { value.withLock { $0 } }

  func increment(by amount: Int64) { value.withLock { $0 += Double(amount) } }
  func increment(by amount: Double) { value.withLock { $0 += amount } }
  func decrement(by amount: Double) { value.withLock { $0 -= amount } }
  func set(_ amount: Int64) { value.withLock { $0 = Double(amount) } }
  func set(_ amount: Double) { value.withLock { $0 = amount } }
  func record(_ amount: Int64) { set(amount) }
  func record(_ amount: Double) { set(amount) }
  func reset() { value.withLock { $0 = 0 } }
}

/// Counts of observations up to each bound; durations are told in seconds.
final class HistogramInstrument: TimerHandler, RecorderHandler {
  private struct State {
    /// Not cumulative; one more than there are bounds, for what is beyond them.
    var counts: [Int]
    var sum = 0.0
  }

  private let bounds: [Double]
  private let state: Mutex<State>

  init(bounds: [Double]) {
    self.bounds = bounds
    state = Mutex(State(counts: Array(repeating: 0, count: bounds.count + 1)))
  }

  func record(_ value: Double) {
    let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
    state.withLock { state in
      state.counts[bucket] += 1
      state.sum += value
    }
  }

  func record(_ value: Int64) { record(Double(value)) }

  func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

  func samples(labels: String) -> [MetricFamily.Sample] {
    let state = state.withLock { $0 }
    let prefix = labels.isEmpty ? "" : labels + ","
    var total = 0
    var samples: [MetricFamily.Sample] = []
    for (bound, count) in zip(bounds.map(ExpositionText.number) + ["+Inf"], state.counts) {
      total += count
      samples.append(
        MetricFamily.Sample(
          suffix: "_bucket",
          labels: "\(prefix)le=\"\(bound)\"",
          value: Double(total)
        )
      )
    }
    samples.append(MetricFamily.Sample(suffix: "_sum", labels: labels, value: state.sum))
    samples.append(MetricFamily.Sample(suffix: "_count", labels: labels, value: Double(total)))
    return samples
  }
}
