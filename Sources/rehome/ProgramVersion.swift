/// Which Rehome this is.
enum ProgramVersion {
  /// Semantic versioning; below 1.0 anything may change.
  static let text = "0.1.0"
}
