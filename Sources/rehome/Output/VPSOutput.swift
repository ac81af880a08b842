import Catalog
import Model
import Operations

extension VPS {
  /// The VPS as the commands' JSON shows it.
  var json: JSONValue { .object(members) }

  fileprivate var members: [String: JSONValue] {
    [
      "id": JSONValue(id), "clientId": JSONValue(clientID), "node": .text(node),
      "domain": .text(domainName), "domainUuid": .text(domainUUID), "name": .text(name),
      "hostname": .text(hostname), "primaryIp": JSONValue(primaryIP),
      "serviceStatus": .text(serviceStatus.rawValue),
      "powerState": JSONValue(observation?.powerState.rawValue),
      "network": JSONValue(network?.text), "hasUserData": .boolean(userData != nil),
      "adoptedSeed": JSONValue(adoptedSeedPath), "backupLimit": JSONValue(backupLimit),
      "createdAt": JSONValue(createdAt), "observedAt": JSONValue(observation?.observedAt),
      "operatingSystem": observation?.operatingSystem?.json ?? .null,
      "resources": observation?.resources ?? .null,
      "disks": .list(observation?.disks.map(\.json) ?? []),
    ]
  }
}

extension VPSView {
  /// The VPS with what may be done and what can be undone.
  func json(undo: UndoRecord?) -> JSONValue {
    var members = vps.members
    members["actions"] = gates.json
    members["backupsUsed"] = JSONValue(backupsUsed)
    members["undo"] = undo?.json ?? .null
    members["unsettledJobId"] = unsettledJobID.map { JSONValue($0) } ?? .null
    return .object(members)
  }

  /// The VPS for people.
  func words(undo: UndoRecord?) -> String {
    var fields = Fields()
    fields.add("VPS", vps.id.text)
    fields.add("Name", vps.name)
    fields.add("Host name", vps.hostname)
    fields.add("Client", vps.clientID.text)
    fields.add("Domain", "\(vps.domainName) (\(vps.domainUUID)) on \(vps.node)")
    fields.add("Service", vps.serviceStatus.rawValue)
    fields.add("Power", vps.observation?.powerState.rawValue ?? "not seen yet")
    fields.add("Seen", vps.observation?.observedAt.text)
    fields.add("System", vps.observation?.operatingSystem?.displayName)
    fields.add("Addresses", vps.network.map { $0.addresses.joined(separator: ", ") } ?? "DHCP")
    fields.add("Seed", vps.adoptedSeedPath.map { "\($0), taken over" })
    fields.add("Backups", vps.backupLimit.map { "\(backupsUsed) of \($0)" } ?? "\(backupsUsed)")
    for disk in vps.observation?.disks ?? [] { fields.add("Disk \(disk.device)", disk.words) }
    fields.add(
      "Undo",
      undo.map { "\($0.restoreJobID) until \($0.until), \(ByteText.of($0.sizeBytes)) kept" }
    )
    fields.add(
      "Operator",
      unsettledJobID.map { "must look at what \($0) left, then `rehome job resolve \($0)`" }
    )
    fields.add("Backup", gates.canCreateBackup.words)
    fields.add("Restore", gates.canRestoreFromAnotherVPS.words)
    return fields.text
  }
}

extension Gate {
  fileprivate var json: JSONValue {
    ["allowed": .boolean(allowed), "reason": JSONValue(reason), "code": JSONValue(code)]
  }

  fileprivate var words: String {
    allowed ? "allowed" : "not now (\(code ?? "unknown")): \(reason ?? "")"
  }
}

extension Gates {
  fileprivate var json: JSONValue {
    [
      "canStart": canStart.json, "canStop": canStop.json, "canShutdown": canShutdown.json,
      "canRestart": canRestart.json, "canReset": canReset.json,
      "canCreateBackup": canCreateBackup.json, "canRestore": canRestore.json,
      "canRestoreFromAnotherVps": canRestoreFromAnotherVPS.json,
    ]
  }
}

extension UndoRecord {
  fileprivate var json: JSONValue {
    [
      "restoreJobId": JSONValue(restoreJobID), "until": JSONValue(until),
      "sizeBytes": .integer(sizeBytes),
    ]
  }
}

extension OperatingSystem {
  fileprivate var json: JSONValue {
    [
      "displayName": .text(displayName), "family": .text(family), "version": JSONValue(version),
      "variant": JSONValue(variant),
    ]
  }
}

extension Observation {
  fileprivate var resources: JSONValue {
    [
      "cpuCores": JSONValue(cpuCores), "memoryBytes": .integer(memoryBytes),
      "memoryGb": .decimal((Double(memoryBytes) / 1e8).rounded() / 10),
      "storageGb": .decimal((Double(storageBytes) / Double(1 << 30) * 10).rounded() / 10),
      "storageBytes": .integer(storageBytes),
    ]
  }
}

extension ObservedDisk {
  /// The disk as the commands' JSON shows it.
  var json: JSONValue {
    [
      "device": .text(device), "bus": .text(bus), "storage": .text(storage.rawValue),
      "format": .text(format), "path": .text(path), "sizeBytes": JSONValue(sizeBytes),
      "freeBytes": JSONValue(freeBytes), "obstacle": JSONValue(obstacle?.rawValue),
    ]
  }

  fileprivate var words: String {
    let size = sizeBytes.map(ByteText.of) ?? "size unknown"
    let obstacle = obstacle.map { ", can't be exchanged (\($0.rawValue))" } ?? ""
    return "\(size), \(format) on \(bus), \(path)\(obstacle)"
  }
}
