import GRDB
import Model

extension SQLiteTransaction {
  func insert(_ client: Client) throws(CatalogError) {
    try change(
      "INSERT INTO client (id, name, created_at) VALUES (:id, :name, :created)",
      ["id": client.id.text, "name": client.name, "created": client.createdAt.milliseconds],
      unique: .uniqueName
    )
  }

  func client(_ id: ClientID) throws(CatalogError) -> Client? {
    try first("SELECT * FROM client WHERE id = :id", ["id": id.text], Client.init)
  }

  func client(named name: String) throws(CatalogError) -> Client? {
    try first("SELECT * FROM client WHERE name = :name", ["name": name], Client.init)
  }

  func clients() throws(CatalogError) -> [Client] {
    try all("SELECT * FROM client ORDER BY name", [:], Client.init)
  }

  func deleteClient(_ id: ClientID) throws(CatalogError) {
    // Its keys go with it: they open nothing without it.
    try change("DELETE FROM client WHERE id = :id", ["id": id.text])
  }
}

extension Client {
  fileprivate init(_ row: Columns) throws(CatalogError) {
    self.init(
      id: try row.identifier("id"),
      name: try row.text("name"),
      createdAt: try row.moment("created_at")
    )
  }
}
