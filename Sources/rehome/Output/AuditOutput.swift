import Catalog
import Model

extension AuditRecord {
  /// The entry as the commands' JSON shows it.
  var json: JSONValue {
    [
      "sequence": JSONValue(sequence), "at": JSONValue(entry.at), "actor": .text(entry.actor),
      "action": .text(entry.action), "subject": .text(entry.subject),
      "detail": JSONValue(entry.detail), "address": JSONValue(entry.address),
      "requestId": JSONValue(entry.requestID?.text),
    ]
  }
}
