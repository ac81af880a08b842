package import Model

/// All series of one metric at a moment.
package struct MetricFamily: Sendable, Equatable {
  /// One line of it.
  package struct Sample: Sendable, Equatable {
    /// What follows the name, such as `_sum`.
    package var suffix = ""
    /// The labels as they are written, without braces.
    package var labels = ""
    /// The value.
    package var value: Double

    /// Makes a sample.
    package init(suffix: String = "", labels: String = "", value: Double) {
      self.suffix = suffix
      self.labels = labels
      self.value = value
    }
  }

  /// Which metric.
  package var name: MetricName
  /// Its lines.
  package var samples: [Sample]

  /// Makes a family.
  package init(name: MetricName, samples: [Sample]) {
    self.name = name
    self.samples = samples
  }

  /// Makes a family of one series without labels.
  package init(_ name: MetricName, _ value: Double) {
    self.init(name: name, samples: [Sample(value: value)])
  }
}
