import Model

extension GarbageReport {
  /// The report as the commands' JSON shows it.
  var json: JSONValue {
    [
      "dryRun": .boolean(isDryRun), "complete": .boolean(isComplete),
      "indexCount": JSONValue(indexCount), "missingCount": JSONValue(missingCount),
      "removedCount": JSONValue(removedCount), "removedBytes": .integer(removedBytes),
      "pendingCount": JSONValue(pendingCount), "pendingBytes": .integer(pendingBytes),
      "usedCount": JSONValue(usedCount), "usedBytes": .integer(usedBytes),
      "badCount": JSONValue(badCount), "removedBadCount": JSONValue(removedBadCount),
      "leftoverCount": JSONValue(leftoverCount),
    ]
  }

  /// The report for people.
  var words: String {
    var fields = Fields()
    fields.add(isDryRun ? "Would go" : "Removed", Self.words(removedCount, removedBytes))
    fields.add("Too young to go", Self.words(pendingCount, pendingBytes))
    fields.add("Used", Self.words(usedCount, usedBytes) + " by \(indexCount) indexes")
    fields.add("Missing", missingCount == 0 ? nil : "\(missingCount) chunks")
    fields.add("Quarantined", badCount == 0 ? nil : "\(badCount) files")
    return fields.text
  }

  private static func words(_ count: Int, _ bytes: Int64) -> String {
    "\(count) chunks, \(ByteText.of(bytes))"
  }
}

extension VerificationReport {
  /// The report as the commands' JSON shows it.
  var json: JSONValue {
    [
      "backupCount": JSONValue(backupCount), "damagedCount": JSONValue(damagedCount),
      "healedCount": JSONValue(healedCount), "chunkCount": JSONValue(chunkCount),
      "badChunkCount": JSONValue(badChunkCount), "bytesRead": .integer(bytesRead),
    ]
  }

  /// The report for people.
  var words: String {
    var fields = Fields()
    fields.add("Verified", "\(backupCount) backups, \(ByteText.of(bytesRead)) read")
    fields.add("Damaged", damagedCount == 0 ? "none" : "\(damagedCount) backups")
    fields.add("Bad chunks", badChunkCount == 0 ? nil : "\(badChunkCount)")
    fields.add("Whole again", healedCount == 0 ? nil : "\(healedCount) backups")
    return fields.text
  }
}
