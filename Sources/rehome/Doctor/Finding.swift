/// One thing that was examined.
struct Finding: Sendable, Equatable {
  /// How it stands.
  enum Verdict: String, Sendable {
    /// It is as it should be.
    case ok
    /// Rehome works, but less well, or it can't be told.
    case warn
    /// Rehome can't do its work.
    case fail
  }

  /// Its stable name.
  let name: String
  /// How it stands.
  let verdict: Verdict
  /// What was seen, in a sentence.
  let detail: String
  /// What to do; nil when there is nothing to do.
  let remedy: String?

  /// Makes a finding.
  init(_ name: String, _ verdict: Verdict, _ detail: String, remedy: String? = nil) {
    self.name = name
    self.verdict = verdict
    self.detail = detail
    self.remedy = remedy
  }

  /// The finding as JSON shows it.
  var json: JSONValue {
    [
      "name": .text(name), "status": .text(verdict.rawValue), "detail": .text(detail),
      "remedy": JSONValue(remedy),
    ]
  }
}
