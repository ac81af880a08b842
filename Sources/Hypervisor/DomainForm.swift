/// Which of a domain's two forms is meant.
package enum DomainForm: String, Sendable, CaseIterable {
  /// What runs, until it ends.
  case live
  /// What the next start is made of.
  case definition
}
