package import Model

extension NetworkFilter {
  private static let namePrefix = "rehome-"

  /// The name of the filter of a restore.
  package static func name(of job: JobID) -> String { namePrefix + job.text }

  /// The restore whose filter has this name; nil: it isn't ours.
  package static func job(named name: String) -> JobID? {
    name.hasPrefix(namePrefix) ? JobID(String(name.dropFirst(namePrefix.count))) : nil
  }
}

extension DomainInterface {
  /// The filter of ours that it is behind, of whichever restore.
  package var filterOfOurs: String? {
    filter.flatMap { NetworkFilter.job(named: $0) == nil ? nil : $0 }
  }
}

extension Hypervisor {
  /// Starts a domain, without a filter of ours in its definition where the host can't put it in place.
  ///
  /// libvirt looks for a filter when the domain starts, and refuses the start if it isn't there, or can't
  /// be had: a host that can't filter is no reason to keep a machine down.
  ///
  /// - Returns: Whether a filter had to go.
  @discardableResult
  package func startInAnyCase(
    _ reference: DomainReference,
    isPaused: Bool = false
  ) async throws(HypervisorError) -> Bool {
    do throws(HypervisorError) {
      try await start(reference, isPaused: isPaused)
      return false
    } catch {
      guard case .refused(_, let message) = error, Self.isOfFilter(message) else { throw error }
      let named = try await domain(reference).inactiveInterfaces.filter { $0.filterOfOurs != nil }
      guard !named.isEmpty else { throw error }
      for card in named {
        guard let name = card.filterOfOurs else { continue }
        try await liftFilter(of: reference, mac: card.mac, named: name, in: .definition)
      }
      do throws(HypervisorError) {
        try await start(reference, isPaused: isPaused)
        return true
      } catch let second {
        // It wasn't the filter that kept it down.
        for card in named {
          guard let name = card.filterOfOurs else { continue }
          try await setFilter(of: reference, mac: card.mac, named: name, in: .definition)
        }
        throw second
      }
    }
  }

  private func start(
    _ reference: DomainReference,
    isPaused: Bool
  ) async throws(HypervisorError) {
    if isPaused { try await startPaused(reference) } else { try await start(reference) }
  }

  private static func isOfFilter(_ message: String) -> Bool {
    let words = message.lowercased()
    return ["filter", "ebtables", "iptables"].contains(where: words.contains)
  }
}
