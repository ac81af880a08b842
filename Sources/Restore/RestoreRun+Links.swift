import Catalog
import Hypervisor
import Jobs
import Logging
import Model

// Links that are set down for a disk whose guest shows another VPS's address, and up for the next one.

extension DomainDescription {
  /// The cards that are plugged in, in either form: an earlier cut may have ended half done.
  var linkedCards: [String] {
    Set((interfaces + inactiveInterfaces).filter(\.linkUp).map(\.mac)).sorted()
  }
}

extension RestoreRun {
  /// Takes a guest that shows another VPS's address off its network.
  func cutLinks(of domain: DomainDescription) async throws(StepStop) {
    let (id, vps, linked) = (job.id, job.vpsID, domain.linkedCards)
    // First, and nothing else: what somebody else has set down isn't ours to set up.
    try await fromJournal { () async throws(JobInterruption) in
      try await context.change { try $0.noteCutLinks(linked, of: vps, by: id) }
    }
    for card in domain.interfaces {
      try await patiently { () async throws(HypervisorError) in
        try await parts.hypervisor.setLink(
          of: domain.reference,
          mac: card.mac,
          up: false,
          persistently: true
        )
      }
    }
    parts.logger.error(
      "target shows another VPS's address, links set down",
      metadata: ["job.id": "\(job.id)", "vps.id": "\(job.vpsID)"]
    )
  }

  /// Puts the target on its network again if it was taken off it: for a disk that it has no more, or
  /// for this one, whose guest shows its own addresses by now.
  ///
  /// - Returns: What people should know.
  func raiseLinks(isConfirmed: Bool) async throws(StepStop) -> [String] {
    let (id, vps) = (job.id, job.vpsID)
    let cut = try await fromCatalog { () async throws(CatalogFault) in
      try await parts.catalog.read { try $0.cutLinks(of: vps) }
    }.filter { isConfirmed || $0.jobID != id }
    guard !cut.isEmpty else { return [] }
    do throws(StepStop) {
      let domain = try await describeTarget()
      for link in cut where domain.inactiveInterfaces.contains(where: { $0.mac == link.mac }) {
        try await confirmLease()
        try await patiently { () async throws(HypervisorError) in
          try await parts.hypervisor.setLink(
            of: domain.reference,
            mac: link.mac,
            up: true,
            persistently: true
          )
        }
      }
    } catch .failure(let failure) where !failure.isTransient {
      parts.logger.warning(
        "links not set up",
        metadata: ["job.id": "\(job.id)", "detail": "\(failure.detail)"]
      )
      return [Self.linksDownNote]
    }
    try await fromJournal { () async throws(JobInterruption) in
      try await context.change { try $0.forgetCutLinks(of: vps) }
    }
    return []
  }

  private static let linksDownNote =
    "The target's links were set down for the disk before this one, and the hypervisor did not set "
    + "them up: it isn't on its network until somebody does."
}
