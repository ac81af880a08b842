package import Model

/// Who asks: a key of a client over HTTP, or an operator on the host.
package struct Caller: Sendable, Equatable {
  /// Who it is.
  package enum Identity: Sendable, Equatable {
    case key(KeyID, ClientID, Set<Scope>)
    /// Someone with access to the host's catalog, by login name.
    case system(String)
  }

  /// Who it is.
  package let identity: Identity
  /// From where; nil on the host itself.
  package let address: String?
  /// In which request; nil for commands.
  package let requestID: RequestID?

  /// Makes a caller.
  package init(identity: Identity, address: String? = nil, requestID: RequestID? = nil) {
    self.identity = identity
    self.address = address
    self.requestID = requestID
  }

  /// The client whose things it may see; nil: everyone's.
  package var clientID: ClientID? {
    switch identity {
    case .key(_, let client, _): client
    case .system: nil
    }
  }

  /// The key that it came with; nil: none.
  package var keyID: KeyID? {
    switch identity {
    case .key(let id, _, _): id
    case .system: nil
    }
  }

  /// What it may do; nil: anything.
  package var scopes: Set<Scope>? {
    switch identity {
    case .key(_, _, let scopes): scopes
    case .system: nil
    }
  }

  /// How the audit log names it.
  package var actor: String {
    switch identity {
    case .key(let id, _, _): "key:\(id)"
    case .system(let login): "operator:\(login)"
    }
  }

  /// Refuses a caller without a scope.
  package func require(_ scope: Scope) throws(Refusal) {
    guard let scopes, !scopes.contains(scope) else { return }
    throw .forbidden(required: [scope])
  }

  /// Refuses a caller whose key has none of these scopes.
  package func require(oneOf eligible: Set<Scope>) throws(Refusal) {
    guard let scopes, scopes.isDisjoint(with: eligible) else { return }
    throw .forbidden(required: eligible.sorted { $0.rawValue < $1.rawValue })
  }

  /// Refuses another client's things as if they weren't there.
  package func requireOwnership(of client: ClientID) throws(Refusal) {
    guard let clientID, clientID != client else { return }
    throw .notFound
  }
}
