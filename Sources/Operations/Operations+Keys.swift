import Catalog
package import Model

/// A key that has just been made; its text is given out here and never again.
package struct MadeKey: Sendable {
  /// The key.
  package var key: APIKey
  /// Its text.
  package var text: KeyText

  /// Makes the pair.
  package init(key: APIKey, text: KeyText) {
    self.key = key
    self.text = text
  }
}

extension Operations {
  /// Makes a key.
  package func createKey(
    _ caller: Caller,
    client idOrName: String,
    scopes: [Scope],
    lifetime: Duration?,
    name: String? = nil
  ) async throws(Refusal) -> MadeKey {
    guard !scopes.isEmpty else { throw .taken("/scopes", "A key needs at least one scope.") }
    if let name { try Self.checkName(name, pointer: "/name") }
    let now = clock.now()
    let (id, text) = newKeyText()
    let hash = KeyHash.of(text.secret)
    let key = try await write { transaction in
      let client = try Self.findClient(idOrName, transaction)
      let key = APIKey(
        id: id,
        clientID: client.id,
        scopes: Scope.allCases.filter(scopes.contains),
        createdAt: now,
        expiresAt: lifetime.map { now.advanced(by: $0) },
        name: name
      )
      try transaction.insert(key, hash: hash)
      try transaction.append(self.audit(caller, "key.create", key.id.text))
      return key
    }
    return MadeKey(key: key, text: text)
  }

  /// Keys without their secrets.
  package func keys(client idOrName: String? = nil) async throws(Refusal) -> [APIKey] {
    try await read { transaction in
      try transaction.keys(of: idOrName.map { try Self.findClient($0, transaction).id })
    }
  }

  /// Makes a key in the place of another one that opens something still.
  ///
  /// It has its scopes, its name and a life of the same length. The old one ends when the grace is
  /// over, and never later than it would have. From then on the new one stands for both: the old one
  /// can't be rolled again, for what is left of it is a grace and not its life, and every further key
  /// would let the one before it live on unnoticed.
  package func rollKey(
    _ caller: Caller,
    _ id: String,
    grace: Duration
  ) async throws(Refusal) -> MadeKey {
    let now = clock.now()
    let (newID, text) = newKeyText()
    let hash = KeyHash.of(text.secret)
    let key = try await write { transaction in
      let old = try Self.findKey(id, transaction)
      guard old.isUsable(at: now) else {
        throw Refusal.taken("/key", "The key \(old.id) is over. Make a new one instead.")
      }
      if let successor = try transaction.successor(of: old.id) {
        throw Refusal.taken(
          "/key",
          "The key \(old.id) was rolled, and \(successor) is in its place. Roll that one instead."
        )
      }
      let lifetime = old.expiresAt.map {
        Duration.milliseconds($0.milliseconds - old.createdAt.milliseconds)
      }
      let key = APIKey(
        id: newID,
        clientID: old.clientID,
        scopes: old.scopes,
        createdAt: now,
        expiresAt: lifetime.map { now.advanced(by: $0) },
        name: old.name,
        replaces: old.id
      )
      try transaction.insert(key, hash: hash)
      if grace > .zero {
        try transaction.expireKey(old.id, at: now.advanced(by: grace))
      } else {
        try transaction.revokeKey(old.id, at: now)
      }
      try transaction.append(self.audit(caller, "key.roll", old.id.text, detail: key.id.text))
      return key
    }
    return MadeKey(key: key, text: text)
  }

  /// Ends a key for good.
  package func revokeKey(_ caller: Caller, _ id: String) async throws(Refusal) -> APIKey {
    let now = clock.now()
    return try await write { transaction in
      let key = try Self.findKey(id, transaction)
      try transaction.revokeKey(key.id, at: now)
      try transaction.append(self.audit(caller, "key.revoke", key.id.text))
      return try Self.findKey(id, transaction)
    }
  }

  private func newKeyText() -> (KeyID, KeyText) {
    let id: KeyID = identifiers.make()
    var generator = SystemRandomNumberGenerator()
    return (id, KeyText(id: id, using: &generator))
  }

  private static func findKey(
    _ text: String,
    _ transaction: any CatalogTransaction
  ) throws -> APIKey {
    guard let id = KeyID(text), let key = try transaction.key(id)?.key else {
      throw Refusal.notFound
    }
    return key
  }
}
