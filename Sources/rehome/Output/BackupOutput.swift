import Model

extension Backup {
  /// The backup as the commands' JSON shows it.
  var json: JSONValue {
    let size = contents?.sizeBytes
    return [
      "id": JSONValue(id), "vpsId": JSONValue(vpsID), "clientId": JSONValue(clientID),
      "state": .text(state.rawValue), "backupType": .text(type.rawValue),
      "note": JSONValue(note), "displayId": .text(displayID), "storageKey": .text(storageKey),
      "snapshotPath": JSONValue(snapshotPath), "createdAt": JSONValue(createdAt),
      "expiresAt": JSONValue(expiresAt), "verifiedAt": JSONValue(verifiedAt),
      "sizeBytes": JSONValue(size),
      "nonZeroBytes": JSONValue(contents?.nonZeroBytes),
      "sizeGb": size.map { .decimal((Double($0) / 1e8).rounded() / 10) } ?? .null,
      "firmware": JSONValue(contents?.firmware.rawValue),
      "frozen": contents.map { .boolean($0.isFrozen) } ?? .null,
      "disks": .list(contents?.disks.map(\.json) ?? []),
    ]
  }
}

extension BackupDisk {
  /// The disk as the commands' JSON shows it.
  var json: JSONValue {
    [
      "device": .text(device), "bus": .text(bus), "archive": .text(archive),
      "sizeBytes": .integer(sizeBytes), "nonZeroBytes": .integer(nonZeroBytes),
    ]
  }
}
