import Foundation
import GRDB
import Model

/// There are few sets of scopes, and one is read with each request.
private let scopeLists = DecodedTexts<[Scope]>()

extension SQLiteTransaction {
  func insert(_ key: APIKey, hash: [UInt8]) throws(CatalogError) {
    try change(
      """
      INSERT INTO api_key (
        id, client_id, scopes, hash, created_at, expires_at, revoked_at, name, last_used_at,
        replaces)
      VALUES (
        :id, :client, :scopes, :hash, :created, :expires, :revoked, :name, :used, :replaces)
      """,
      [
        "id": key.id.text, "client": key.clientID.text, "scopes": try jsonText(key.scopes),
        "hash": Data(hash), "created": key.createdAt.milliseconds,
        "expires": key.expiresAt?.milliseconds, "revoked": key.revokedAt?.milliseconds,
        "name": key.name, "used": key.lastUsedAt?.milliseconds, "replaces": key.replaces?.text,
      ]
    )
  }

  func key(_ id: KeyID) throws(CatalogError) -> (key: APIKey, hash: [UInt8])? {
    try first("SELECT * FROM api_key WHERE id = :id", ["id": id.text]) { row throws(CatalogError) in
      (key: try APIKey(row), hash: try row.bytes("hash"))
    }
  }

  func usableKeyHashes(
    at time: Timestamp,
    limit: Int
  ) throws(CatalogError) -> [KeyID: [UInt8]] {
    let rows = try all(
      """
      SELECT id, hash FROM api_key
      WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > :now) LIMIT :limit
      """,
      ["now": time.milliseconds, "limit": limit]
    ) { row throws(CatalogError) -> (KeyID, [UInt8]) in
      (try row.identifier("id"), try row.bytes("hash"))
    }
    return Dictionary(rows) { first, _ in first }
  }

  func successor(of id: KeyID) throws(CatalogError) -> KeyID? {
    try first("SELECT min(id) AS id FROM api_key WHERE replaces = :id", ["id": id.text]) {
      row throws(CatalogError) -> KeyID? in try row.identifierIfAny("id")
    } ?? nil
  }

  func keys(of client: ClientID?) throws(CatalogError) -> [APIKey] {
    if let client {
      try all(
        "SELECT * FROM api_key WHERE client_id = :client ORDER BY created_at, id",
        ["client": client.text],
        APIKey.init
      )
    } else {
      try all("SELECT * FROM api_key ORDER BY created_at, id", [:], APIKey.init)
    }
  }

  func revokeKey(_ id: KeyID, at time: Timestamp) throws(CatalogError) {
    try changeOne(
      "UPDATE api_key SET revoked_at = coalesce(revoked_at, :at) WHERE id = :id",
      ["id": id.text, "at": time.milliseconds]
    )
  }

  func expireKey(_ id: KeyID, at time: Timestamp) throws(CatalogError) {
    try changeOne(
      "UPDATE api_key SET expires_at = min(coalesce(expires_at, :at), :at) WHERE id = :id",
      ["id": id.text, "at": time.milliseconds]
    )
  }

  func recordUses(_ uses: [KeyID: Timestamp]) throws(CatalogError) {
    for (id, time) in uses {
      try change(
        """
        UPDATE api_key SET last_used_at = :at
        WHERE id = :id AND (last_used_at IS NULL OR last_used_at < :at)
        """,
        ["id": id.text, "at": time.milliseconds]
      )
    }
  }
}

extension APIKey {
  fileprivate init(_ row: Columns) throws(CatalogError) {
    self.init(
      id: try row.identifier("id"),
      clientID: try row.identifier("client_id"),
      scopes: try scopeLists.value(of: row.text("scopes")) { _ throws(CatalogError) in
        try row.json("scopes")
      },
      createdAt: try row.moment("created_at"),
      expiresAt: row.momentIfAny("expires_at"),
      revokedAt: row.momentIfAny("revoked_at"),
      name: row.textIfAny("name"),
      lastUsedAt: row.momentIfAny("last_used_at"),
      replaces: try row.identifierIfAny("replaces")
    )
  }
}
