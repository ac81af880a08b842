import Model

extension Client {
  /// The client as the commands' JSON shows it.
  var json: JSONValue {
    ["id": JSONValue(id), "name": .text(name), "createdAt": JSONValue(createdAt)]
  }
}

extension APIKey {
  /// The key as the commands' JSON shows it; its text only when it has just been made.
  func json(text: KeyText? = nil) -> JSONValue {
    var members: [String: JSONValue] = [
      "id": JSONValue(id), "clientId": JSONValue(clientID),
      "scopes": JSONValue(scopes.map(\.rawValue)), "createdAt": JSONValue(createdAt),
      "expiresAt": JSONValue(expiresAt), "revokedAt": JSONValue(revokedAt),
      "name": JSONValue(name), "lastUsedAt": JSONValue(lastUsedAt),
      "replaces": JSONValue(replaces?.text),
    ]
    if let text { members["key"] = .text(text.secret.reveal()) }
    return .object(members)
  }
}
