/// Whether a target boots another VPS's disk behind a network filter for the first time.
///
/// In the configuration: append only.
package enum FirstBootFiltering: String, Sendable, Codable, CaseIterable {
  /// Where its network cards are on a bridge that libvirt can filter.
  case auto
  /// Never: the network itself lets nobody use another's address.
  case off
}
