import Catalog
import Hypervisor
import Jobs
import Logging
import Model
import Operations

// Links that are set down for a disk whose guest shows another VPS's address, and up for the next one.

extension DomainDescription {
  /// The cards that are plugged in, in either form: an earlier cut may have ended half done.
  var linkedCards: [String] {
    Set((interfaces + inactiveInterfaces).filter(\.linkUp).map(\.mac)).sorted()
  }

  /// All cards, in either form.
  var cards: [String] { Set((interfaces + inactiveInterfaces).map(\.mac)).sorted() }

  /// Tells the links of cards that are there from those of cards that are gone.
  func parted(_ links: [CutLink]) -> (there: [CutLink], gone: [CutLink]) {
    let cards = cards
    return (
      links.filter { cards.contains($0.mac) }, links.filter { !cards.contains($0.mac) }
    )
  }
}

extension RestoreRun {
  /// The links that are noted as cut: for this job's own disk, or for others that the target had before.
  func notedLinks(areOwn: Bool) async throws(StepStop) -> [CutLink] {
    let (id, vps) = (job.id, job.vpsID)
    return try await fromCatalog { () async throws(CatalogFault) in
      try await parts.catalog.read { try $0.cutLinks(of: vps) }
    }.filter { ($0.jobID == id) == areOwn }
  }

  /// Takes a guest that shows another VPS's address off its network.
  func cutLinks() async throws(StepStop) {
    let domain = try await describeTarget()
    let (id, vps, linked) = (job.id, job.vpsID, domain.linkedCards)
    // First, and nothing else: what somebody else has set down isn't ours to set up.
    try await fromJournal { () async throws(JobInterruption) in
      try await context.change { try $0.noteCutLinks(linked, of: vps, by: id) }
    }
    try await setLinks(of: domain.cards, up: false) { _ in }
    parts.logger.error(
      "target shows another VPS's address, links set down",
      metadata: ["job.id": "\(job.id)", "vps.id": "\(job.vpsID)"]
    )
  }

  /// Puts the target on its network again if it was taken off it for a disk that it has no more.
  ///
  /// - Returns: What people should know.
  func raiseLinks() async throws(StepStop) -> [String] {
    let cut = try await notedLinks(areOwn: false)
    guard !cut.isEmpty else { return [] }
    do throws(StepStop) {
      let domain = try await describeTarget()
      // Whoever has asked for a cut may have been left without an answer.
      try await patiently { () async throws(HypervisorError) in
        try await parts.hypervisor.settle(domain.reference)
      }
      let (there, gone) = domain.parted(cut)
      try await forget(gone)
      try await setLinks(of: there.map(\.mac), up: true) { mac throws(StepStop) in
        try await forget(there.filter { $0.mac == mac })
      }
    } catch .failure(let failure) where !failure.isTransient {
      return [Self.linksDownNote]
    }
    return []
  }

  private func forget(_ links: [CutLink]) async throws(StepStop) {
    let vps = job.vpsID
    try await fromJournal { () async throws(JobInterruption) in
      try await context.change { transaction in
        for link in links { try transaction.forget(link, of: vps) }
      }
    }
  }

  /// Sets links, each as far as that goes: one card that can't be set keeps no other from it.
  private func setLinks(
    of macs: [String],
    up: Bool,
    _ isSet: (String) async throws(StepStop) -> Void
  ) async throws(StepStop) {
    let reference = try requireTarget().reference
    var problem: StepStop?
    for mac in macs {
      try await confirmLease()
      do throws(StepStop) {
        try await patiently { () async throws(HypervisorError) in
          try await parts.hypervisor.setLink(of: reference, mac: mac, up: up, persistently: true)
        }
        try await isSet(mac)
      } catch .failure(let failure) where !failure.isTransient {
        problem = .failure(failure)
        parts.logger.warning(
          "link not set",
          metadata: ["job.id": "\(job.id)", "mac": "\(mac)", "detail": "\(failure.detail)"]
        )
      }
    }
    if let problem { throw problem }
  }

  /// What is told of a guest that showed another VPS's address.
  func foreignAddressNote() async throws(StepStop) -> String {
    try await describeTarget().linkedCards.isEmpty
      ? "The target showed another VPS's address, so its links were set down at once."
      : "The target showed another VPS's address, and not all of its links could be set down."
  }

  private static let linksDownNote =
    "The target's links were set down for the disk before this one, and the hypervisor did not set "
    + "all of them up: do it by hand."
}
