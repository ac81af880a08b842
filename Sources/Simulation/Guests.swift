import Hypervisor
import TestSupport

/// The guests of a host by the names of their domains, as the hypervisor tells them things.
struct Guests: GuestPower {
  let all: [String: Guest]

  func willStart(_ domain: DomainDescription) throws(HypervisorError) {
    try all[domain.name]?.willStart(domain)
  }

  func didStop(_ domain: DomainDescription, isSudden: Bool) {
    all[domain.name]?.didStop(isSudden: isSudden)
  }

  func didStartPaused(_ domain: DomainDescription) { all[domain.name]?.didStartPaused() }

  func didResume(_ domain: DomainDescription) { all[domain.name]?.didResume() }

  func didFreeze(_ domain: DomainDescription, _ isFrozen: Bool) {
    all[domain.name]?.setFrozen(isFrozen)
  }

  func willBackUp(
    _ domain: DomainDescription,
    _ request: BackupRequest
  ) throws(HypervisorError) {
    try all[domain.name]?.willBackUp(request)
  }

  func didBackUp(_ domain: DomainDescription) { all[domain.name]?.endSession() }

  /// Everybody who runs writes something now and then.
  func breathe(_ chance: Chance) {
    for name in all.keys.sorted() { all[name]?.breathe(chance) }
  }

  /// The session that listens at a socket.
  func session(at socket: String) -> GuestSession? {
    all.values.lazy.compactMap { $0.session(at: socket) }.first
  }
}
