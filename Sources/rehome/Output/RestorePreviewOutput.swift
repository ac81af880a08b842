import Model
import Operations

extension RestorePreview {
  /// The preview as the commands' JSON shows it.
  func json(for target: VPS) -> JSONValue {
    [
      "targetVpsId": JSONValue(target.id), "allowed": .boolean(true),
      "powerState": .text(powerState.rawValue), "neededBytes": .integer(neededBytes),
      "freeBytes": JSONValue(freeBytes),
      "disks": .list(pairs.map { ["source": $0.source.json, "target": $0.target.json] }),
    ]
  }

  /// The preview for people.
  func words(for target: VPS) -> String {
    var lines = ["The restore would be accepted. Nothing was done."]
    for pair in pairs {
      lines.append(
        "  \(pair.source.archive) (\(ByteText.of(pair.source.sizeBytes))) onto "
          + "\(pair.target.device) (\(pair.target.sizeBytes.map(ByteText.of) ?? "size unknown"), "
          + "\(pair.target.format), \(Table.printable(pair.target.path)))"
      )
    }
    let free = freeBytes.map { "\(ByteText.of($0)) are free" } ?? "free space isn't known"
    lines.append("  Staging needs \(ByteText.of(neededBytes)) on the target's host; \(free).")
    lines.append(
      powerState == .stopped
        ? "  \(target.name) is off and stays off, unless --start is given."
        : "  \(target.name) is \(powerState.rawValue): it would be stopped for the exchange alone."
    )
    return lines.joined(separator: "\n")
  }
}
