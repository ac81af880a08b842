import Foundation
import Model
import Testing

/// The guide tells exactly the metrics that there are.
@Suite struct GuideTests {
  private static let guide = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../Sources/rehome/rehome.docc/Guides/Monitoring.md")

  @Test func `every metric is in the guide with its kind and labels, and no other is`() throws {
    let page = try String(contentsOf: Self.guide, encoding: .utf8)
    let rows = page.matches(of: /\n\| `([a-z_]+)` \| ([a-z]+) \| ([^|]*) \|/).map { match in
      "\(match.output.1) \(match.output.2) \(match.output.3)"
    }
    let expected = MetricName.allCases.map { name in
      let kind =
        switch name.kind {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        }
      let labels = name.labels.map { "`\($0)`" }.joined(separator: " ")
      return "\(name.rawValue) \(kind) \(labels.isEmpty ? "–" : labels)"
    }
    #expect(rows == expected)
  }
}
