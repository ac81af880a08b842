import GRDB
import Model

/// Networks and observations are read far more often than they change.
private let networks = DecodedTexts<NetworkConfiguration>()
private let observations = DecodedTexts<Observation>()

/// As JSON, once: every view of a VPS asks for it.
private let countedStates =
  "[" + BackupState.countedAgainstLimit.words.map { "\"\($0)\"" }.joined(separator: ",") + "]"

extension SQLiteTransaction {
  func insert(_ vps: VPS) throws(CatalogError) {
    var arguments = vps.arguments
    arguments += [
      "client": vps.clientID.text, "created": vps.createdAt.milliseconds,
      "observation": try jsonTextIfAny(vps.observation),
    ]
    try change(
      """
      INSERT INTO vps (
        id, client_id, node, domain_name, domain_uuid, name, name_folded, hostname,
        service_status, network, user_data, adopted_seed_path, backup_limit, created_at,
        observation, primary_ip)
      VALUES (
        :id, :client, :node, :domainName, :domainUUID, :name, :folded, :hostname, :status,
        :network, :userData, :seed, :limit, :created, :observation,
        :address)
      """,
      arguments,
      unique: .uniqueName
    )
  }

  func vps(_ id: VPSID) throws(CatalogError) -> VPS? {
    try first("SELECT * FROM vps WHERE id = :id", ["id": id.text], VPS.init)
  }

  func standing(of id: VPSID) throws(CatalogError) -> VPSStanding {
    let standing = try first(
      """
      SELECT
        (SELECT id FROM job WHERE vps_id = :vps AND class = 'data'
          AND state IN ('queued', 'running', 'waiting')) AS data_job,
        (SELECT id FROM job WHERE vps_id = :vps AND class = 'power'
          AND state IN ('queued', 'running', 'waiting')) AS power_job,
        (SELECT id FROM job WHERE vps_id = :vps AND needs_operator = 1) AS unsettled_job,
        (SELECT count(*) FROM backup WHERE vps_id = :vps
          AND state IN (SELECT value FROM json_each(:states))) AS backups
      """,
      ["vps": id.text, "states": countedStates]
    ) { row throws(CatalogError) in
      VPSStanding(
        dataJobID: try row.identifierIfAny("data_job"),
        powerJobID: try row.identifierIfAny("power_job"),
        unsettledJobID: try row.identifierIfAny("unsettled_job"),
        backupsUsed: Int(try row.integer("backups"))
      )
    }
    guard let standing else { throw .failed("the standing of a VPS has no row") }
    return standing
  }

  func listVPS(_ filter: VPSFilter) throws(CatalogError) -> [VPS] {
    var query = Query("SELECT * FROM vps")
    query.require("client_id = :client", "client", filter.clientID?.text)
    query.require("node = :node", "node", filter.node)
    query.require("name_folded = :name", "name", filter.name.map(FoldedText.of))
    query.require("primary_ip = :address", "address", filter.primaryAddress?.text)
    query.require("id > :after", "after", filter.after?.text)
    if !filter.includesTerminated { query.require("service_status <> 'terminated'") }
    return try all(
      query.sql(order: "id", limit: filter.limit),
      query.arguments,
      VPS.init
    )
  }

  func update(_ vps: VPS) throws(CatalogError) {
    // A VPS that is made active again may meet a newer one of its domain.
    let changed = try change(
      """
      UPDATE vps SET
        node = :node, domain_name = :domainName, domain_uuid = :domainUUID, name = :name,
        name_folded = :folded, hostname = :hostname, service_status = :status,
        network = :network, user_data = :userData, adopted_seed_path = :seed,
        backup_limit = :limit, primary_ip = :address
      WHERE id = :id
      """,
      vps.arguments,
      unique: .uniqueName
    )
    guard changed > 0 else { throw .constraint(.reference) }
  }

  func setObservation(_ observation: Observation, of id: VPSID) throws(CatalogError) {
    try changeOne(
      "UPDATE vps SET observation = :observation WHERE id = :id",
      ["id": id.text, "observation": try jsonText(observation)]
    )
  }
}

extension VPS {
  /// What both insert and update store.
  fileprivate var arguments: StatementArguments {
    [
      "id": id.text, "node": node, "domainName": domainName, "domainUUID": domainUUID,
      "name": name, "folded": FoldedText.of(name), "hostname": hostname,
      "status": serviceStatus.rawValue, "network": network?.text, "userData": userData,
      "seed": adoptedSeedPath, "limit": backupLimit, "address": network?.primaryAddress?.text,
    ]
  }

  fileprivate init(_ row: Columns) throws(CatalogError) {
    self.init(
      id: try row.identifier("id"),
      clientID: try row.identifier("client_id"),
      node: try row.text("node"),
      domainName: try row.text("domain_name"),
      domainUUID: try row.text("domain_uuid"),
      name: try row.text("name"),
      hostname: try row.text("hostname"),
      serviceStatus: try row.word("service_status"),
      network: try Self.network(row.textIfAny("network")),
      userData: row.textIfAny("user_data"),
      adoptedSeedPath: row.textIfAny("adopted_seed_path"),
      backupLimit: row.integerIfAny("backup_limit").map { Int($0) },
      createdAt: try row.moment("created_at"),
      observation: Self.observation(row)
    )
  }

  private static func network(
    _ text: String?
  ) throws(CatalogError) -> NetworkConfiguration? {
    guard let text else { return nil }
    do throws(NetworkConfigurationFault) {
      return try networks.value(of: text) { text throws(NetworkConfigurationFault) in
        try NetworkConfiguration(text: text)
      }
    } catch {
      throw .failed("the column network is malformed")
    }
  }

  /// An observation that another version wrote and this one can't read counts as none: the worker
  /// makes a new one within a minute, which it couldn't if the VPS couldn't be read.
  private static func observation(_ row: Columns) -> Observation? {
    guard let text = row.textIfAny("observation") else { return nil }
    do throws(CatalogError) {
      return try observations.value(of: text) { _ throws(CatalogError) in
        try row.json("observation")
      }
    } catch {
      return nil
    }
  }
}
