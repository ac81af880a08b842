package import Catalog
package import Logging
package import Model

/// What an installation decides about the use cases.
package struct OperationsPolicy: Sendable {
  /// The strategy of a restore that asks for none.
  package var defaultStrategy: RestoreStrategy
  /// Whether an operator has allowed the in-place strategy.
  package var allowsInPlace: Bool

  /// Makes a policy.
  package init(defaultStrategy: RestoreStrategy = .staged, allowsInPlace: Bool = false) {
    self.defaultStrategy = defaultStrategy
    self.allowsInPlace = allowsInPlace
  }
}

/// The use cases that the API and the commands share.
///
/// Each loads its facts, asks the rules of `Model`, and writes in one transaction; so what was
/// decided is still true when it is written.
package struct Operations: Sendable {
  package let catalog: any Catalog
  package let clock: any WallClock
  package let identifiers: IdentifierFactory
  package let policy: OperationsPolicy
  package let logger: Logger
  /// Where VPSs can be looked at now; nil: nowhere from this process.
  package let liveStatus: (any LiveStatusSource)?
  let keyUses = KeyUses()
  private let keptKeys = KeptReads<KeyID, KnownKey>()
  let keyRoster = KeyRoster()

  /// Makes the use cases over a catalog.
  package init(
    catalog: any Catalog,
    clock: any WallClock,
    policy: OperationsPolicy = OperationsPolicy(),
    logger: Logger = Logger(label: "rehome.operations"),
    liveStatus: (any LiveStatusSource)? = nil
  ) {
    self.catalog = catalog
    self.clock = clock
    self.policy = policy
    self.logger = logger
    self.liveStatus = liveStatus
    identifiers = IdentifierFactory(clock: clock)
  }

  /// Reads, with the catalog's faults turned into refusals.
  package func read<Value: Sendable>(
    _ body: @escaping @Sendable (any CatalogTransaction) throws -> Value
  ) async throws(Refusal) -> Value {
    do throws(CatalogFault) {
      return try await catalog.read(body)
    } catch {
      throw refusal(for: error)
    }
  }

  /// Writes, with the catalog's faults turned into refusals.
  package func write<Value: Sendable>(
    _ body: @escaping @Sendable (any CatalogTransaction) throws -> Value
  ) async throws(Refusal) -> Value {
    do throws(CatalogFault) {
      return try await catalog.write(body)
    } catch {
      throw refusal(for: error)
    }
  }

  private func refusal(for fault: CatalogFault) -> Refusal {
    switch fault {
    case .refused(let refusal):
      return refusal
    case .failed(.busy(let reason)):
      logger.warning("catalog out of reach", metadata: ["reason": "\(reason)"])
      return .serviceUnavailable(retryAfterSeconds: 2)
    case .failed(let error):
      logger.error("catalog failed", metadata: ["error": "\(error)"])
      return .internalError
    }
  }
}

extension Operations {
  /// Finds out who holds a key; every reason to say no is the same answer.
  ///
  /// As long as the catalog is at the version at which it was when the request had come, keys need
  /// not be read again.
  package func authenticate(
    _ key: KeyText?,
    asOf version: CatalogVersion? = nil,
    address: String?,
    requestID: RequestID
  ) async throws(Refusal) -> Caller {
    guard let key else { throw .unauthorized }
    let found = try await self.key(key.id, asOf: version)
    let now = clock.now()
    guard let found, KeyHash.matches(found.hash, KeyHash.of(key.secret)),
      found.key.isUsable(at: now)
    else { throw .unauthorized }
    keyUses.note(found.key.id, at: now)
    return Caller(
      identity: .key(found.key.id, found.key.clientID, found.scopes),
      address: address,
      requestID: requestID
    )
  }

  private func key(
    _ id: KeyID,
    asOf version: CatalogVersion?
  ) async throws(Refusal) -> KnownKey? {
    if let kept = keptKeys.value(of: id, at: version) { return kept }
    guard let (key, hash) = try await read({ try $0.key(id) }) else { return nil }
    let known = KnownKey(key: key, hash: hash, scopes: Set(key.scopes))
    keptKeys.keep(known, of: id, at: version)
    return known
  }

  /// Entries of the audit log, newest first.
  package func auditRecords(_ filter: AuditFilter) async throws(Refusal) -> [AuditRecord] {
    try await read { try $0.auditRecords(filter) }
  }

  /// The parts that every server has: the catalog, and somebody who does the jobs in it.
  package var parts: [ReadinessPart] {
    [
      ReadinessPart("catalog") {
        do throws(CatalogFault) {
          try await catalog.check()
          return .ready
        } catch {
          return .away("the catalog can't be read")
        }
      },
      ReadinessPart("worker") {
        do throws(Refusal) {
          let nodes = try await read { try $0.nodes() }
          let now = clock.now()
          return nodes.contains { $0.isAlive(at: now) }
            ? .ready : .away("no worker has been seen lately")
        } catch {
          return .away("unknown, since the catalog can't be read")
        }
      },
    ]
  }

  /// Whether a node's worker has been seen lately.
  package func hasLiveWorker(node: String) async throws(Refusal) -> Bool {
    let found = try await read { try $0.node(node) }
    return found?.isAlive(at: clock.now()) ?? false
  }

  /// An entry of the audit log.
  package func audit(
    _ caller: Caller,
    _ action: String,
    _ subject: String,
    detail: String? = nil
  ) -> AuditEntry {
    AuditEntry(
      at: clock.now(),
      actor: caller.actor,
      action: action,
      subject: subject,
      address: caller.address,
      requestID: caller.requestID,
      detail: detail
    )
  }
}

extension Node {
  /// Whether its worker has shown itself lately.
  package func isAlive(at now: Timestamp) -> Bool {
    guard let heartbeatAt else { return false }
    return now < heartbeatAt.advanced(by: Limits.heartbeatTimeout)
  }
}

/// A key as it is looked up for each request.
private struct KnownKey: Sendable {
  let key: APIKey
  let hash: [UInt8]
  let scopes: Set<Scope>
}
