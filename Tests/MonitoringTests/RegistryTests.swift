import CoreMetrics
import Foundation
import Model
import Monitoring
import TestSupport
import Testing

/// What instruments of swift-metrics come to in Prometheus's text.
@Suite struct RegistryTests {
  private func text(_ registry: MetricRegistry) -> String {
    ExpositionText.of(registry.families())
  }

  @Test func `a counter grows, and the same labels are the same series`() {
    let registry = MetricRegistry()
    for amount in [1, 41] {
      Counter(
        label: "rehome_job_attempts_total",
        dimensions: [("kind", "backup")],
        factory: registry
      ).increment(by: amount)
    }
    #expect(
      text(registry) == """
        # HELP rehome_job_attempts_total Jobs that this worker has taken up, each attempt counted.
        # TYPE rehome_job_attempts_total counter
        rehome_job_attempts_total{kind="backup"} 42

        """
    )
  }

  @Test func `a gauge goes both ways`() {
    let registry = MetricRegistry()
    let meter = Meter(label: "rehome_event_streams", factory: registry)
    meter.increment()
    meter.increment()
    meter.decrement()
    #expect(text(registry).hasSuffix("\nrehome_event_streams 1\n"))
    meter.set(2.5)
    #expect(text(registry).hasSuffix("\nrehome_event_streams 2.5\n"))
  }

  @Test func `a histogram counts up to each bound, and tells seconds`() {
    let registry = MetricRegistry()
    let timer = CoreMetrics.Timer(
      label: "rehome_job_duration_seconds",
      dimensions: [("kind", "backup"), ("state", "failed")],
      factory: registry
    )
    // On a bound, between two, and beyond all of them.
    timer.recordNanoseconds(1_000_000_000)
    timer.recordNanoseconds(2_500_000_000)
    timer.recordNanoseconds(90_000_000_000_000)
    let lines = text(registry).split(separator: "\n").map(String.init)
    let labels = #"kind="backup",state="failed""#
    #expect(lines.contains(#"rehome_job_duration_seconds_bucket{\#(labels),le="1"} 1"#))
    #expect(lines.contains(#"rehome_job_duration_seconds_bucket{\#(labels),le="5"} 2"#))
    #expect(lines.contains(#"rehome_job_duration_seconds_bucket{\#(labels),le="28800"} 2"#))
    #expect(lines.contains(#"rehome_job_duration_seconds_bucket{\#(labels),le="+Inf"} 3"#))
    #expect(lines.contains("rehome_job_duration_seconds_sum{\(labels)} 90003.5"))
    #expect(lines.contains("rehome_job_duration_seconds_count{\(labels)} 3"))
  }

  @Test func `a label's value can't break the text`() {
    let registry = MetricRegistry()
    let meter = Meter(
      label: "rehome_worker_heartbeat_age_seconds",
      dimensions: [("node", "a\"b\\c\nd")],
      factory: registry
    )
    meter.set(1)
    #expect(text(registry).hasSuffix("{node=\"a\\\"b\\\\c\\nd\"} 1\n"))
  }

  @Test func `what isn't in the list is counted nowhere`() {
    let registry = MetricRegistry()
    Counter(label: "somebody_elses_total", factory: registry).increment()
    Counter(label: "rehome_jobs_ended_total", factory: registry).increment()
    Counter(label: "rehome_event_streams", factory: registry).increment()
    Meter(label: "rehome_datastore_chunks_read_total", factory: registry).set(1)
    CoreMetrics.Timer(label: "rehome_event_streams", factory: registry).recordNanoseconds(1)
    #expect(registry.families().isEmpty)
  }

  @Test func `labels without end take memory with an end`() {
    let registry = MetricRegistry()
    for number in 0..<Limits.metricSeries + 100 {
      Counter(
        label: "rehome_http_rate_limited_total",
        dimensions: [("route", "/\(number)")],
        factory: registry
      ).increment()
    }
    #expect(registry.families().first?.samples.count == Limits.metricSeries)
  }

  @Test func `numbers are written as Prometheus reads them`() {
    let values: [(Double, String)] = [
      (0, "0"), (-1, "-1"), (1e15, "1000000000000000"), (0.0005, "0.0005"), (.infinity, "+Inf"),
      (-.infinity, "-Inf"), (.nan, "NaN"), (1e300, "1e+300"),
    ]
    for (value, written) in values {
      let family = MetricFamily(.queueAge, value)
      #expect(ExpositionText.of([family]).hasSuffix(" \(written)\n"))
    }
  }

  /// Every metric there is, with values in all its labels.
  static func everything() -> [MetricFamily] {
    let registry = MetricRegistry()
    for name in MetricName.allCases {
      let labels = name.labels.map { ($0, "some \($0)") }
      switch name.kind {
      case .counter:
        FloatingPointCounter(label: name.rawValue, dimensions: labels, factory: registry)
          .increment(by: 1.5)
      case .gauge: Meter(label: name.rawValue, dimensions: labels, factory: registry).set(1)
      case .histogram:
        CoreMetrics.Timer(label: name.rawValue, dimensions: labels, factory: registry)
          .recordNanoseconds(1)
      }
    }
    return registry.families()
  }

  @Test(.scratchDirectory) func `promtool finds nothing to say about any metric`() async throws {
    let families = Self.everything()
    #expect(families.map(\.name) == MetricName.allCases)
    let path = "\(ScratchDirectory.path)/metrics"
    try ExpositionText.of(families).write(toFile: path, atomically: true, encoding: .utf8)
    let said = try await TestProcess.run("sh", ["-c", "promtool check metrics <\"$0\" 2>&1", path])
    #expect(said.isEmpty)
  }
}
