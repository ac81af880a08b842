import Model

/// Prometheus's text format, version 0.0.4.
package enum ExpositionText {
  /// The media type that tells a scraper what it gets.
  package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  /// Writes families, each with its help and kind.
  package static func of(_ families: [MetricFamily]) -> String {
    var text = ""
    for family in families where !family.samples.isEmpty {
      let name = family.name.rawValue
      text += "# HELP \(name) \(escaped(family.name.help, quotes: false))\n"
      text += "# TYPE \(name) \(word(for: family.name.kind))\n"
      for sample in family.samples {
        text += name
        text += sample.suffix
        if !sample.labels.isEmpty { text += "{\(sample.labels)}" }
        text += " \(number(sample.value))\n"
      }
    }
    return text
  }

  /// Labels as they are written, without braces.
  static func labels(_ dimensions: [(String, String)]) -> String {
    dimensions.map { "\($0)=\"\(escaped($1, quotes: true))\"" }.joined(separator: ",")
  }

  /// A number as Prometheus reads it; whole ones without a fraction.
  static func number(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
    // Up to 2^53 every whole number has exactly one text.
    if value == value.rounded(), abs(value) < 9_007_199_254_740_992 { return "\(Int64(value))" }
    return "\(value)"
  }

  private static func word(for kind: MetricKind) -> String {
    switch kind {
    case .counter: "counter"
    case .gauge: "gauge"
    case .histogram: "histogram"
    }
  }

  private static func escaped(_ text: String, quotes: Bool) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\"" where quotes: result += "\\\""
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
