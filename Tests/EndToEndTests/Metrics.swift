import Foundation
import TestSupport

extension Server {
  /// Where its metrics are, once they listen.
  private func metricsAddress() -> String? {
    guard let text = log().firstMatch(of: /metrics\.port=([0-9]+).*metrics listen/) else {
      return nil
    }
    return "http://127.0.0.1:\(text.output.1)/metrics"
  }

  /// What it tells of itself now, and what `promtool` has to say about that.
  func metrics() async throws -> (text: String, complaints: String) {
    guard let address = metricsAddress() else {
      throw Unexpected(what: "metrics", found: log())
    }
    let file = "\(folder)/metrics"
    // The whole of what is served, as a scraper gets it.
    try await TestProcess.run("curl", ["-sS", "--fail", "--max-time", "30", "-o", file, address])
    let complaints = try await TestProcess.run(
      "sh",
      ["-c", #"promtool check metrics <"$1" 2>&1; printf '%s' "exit code $?""#, "sh", file]
    )
    return (try String(contentsOfFile: file, encoding: .utf8), complaints)
  }
}
