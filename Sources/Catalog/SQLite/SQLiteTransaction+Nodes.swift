import GRDB
import Model

extension SQLiteTransaction {
  func upsertNode(name: String, uri: String) throws(CatalogError) {
    try change(
      """
      INSERT INTO node (name, uri) VALUES (:name, :uri)
      ON CONFLICT (name) DO UPDATE SET uri = excluded.uri
      """,
      ["name": name, "uri": uri]
    )
  }

  func recordHeartbeat(node: String, at time: Timestamp) throws(CatalogError) {
    try changeOne(
      "UPDATE node SET heartbeat_at = :at WHERE name = :name",
      ["name": node, "at": time.milliseconds]
    )
  }

  func node(_ name: String) throws(CatalogError) -> Node? {
    try first("SELECT * FROM node WHERE name = :name", ["name": name], Node.init)
  }

  func nodes() throws(CatalogError) -> [Node] {
    try all("SELECT * FROM node ORDER BY name", [:], Node.init)
  }
}

extension Node {
  fileprivate init(_ row: Columns) throws(CatalogError) {
    self.init(
      name: try row.text("name"),
      uri: try row.text("uri"),
      heartbeatAt: row.momentIfAny("heartbeat_at")
    )
  }
}
