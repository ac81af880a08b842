/// What a power action does to a machine; its rows in the journal carry these names.
///
/// Stored: append only.
package enum PowerEffect: String, Sendable, CaseIterable, Codable {
  /// Ask the guest to end, and wait for it.
  case shutdown
  /// Pull the plug.
  case destroy
  /// Boot.
  case start
  /// Press the reset button.
  case reset
}
