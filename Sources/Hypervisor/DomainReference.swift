/// How a domain is found: by its UUID if that is known, else by its name.
package struct DomainReference: Hashable, Codable, Sendable {
  /// The domain's name, which an operator can change.
  package let name: String
  /// The domain's UUID, in lowercase text form.
  package let uuid: String?

  /// Makes a reference; with a UUID the name only serves messages.
  package init(name: String, uuid: String? = nil) {
    self.name = name
    self.uuid = uuid?.lowercased()
  }
}
