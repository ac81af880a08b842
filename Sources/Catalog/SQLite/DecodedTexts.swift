import Model
import Synchronization

/// What texts of a column meant when they were decoded before.
///
/// A text always means the same, so nothing here can be out of date and nothing is ever
/// invalidated; what is kept is bounded, and all of it is let go when it is full; long texts are not
/// kept at all. Reading a VPS
/// costs a fraction then: its network is YAML and its observation JSON, and both are read far more
/// often than they change.
final class DecodedTexts<Value: Sendable>: Sendable {
  private let values = Mutex<[String: Value]>([:])

  /// The value of a text, decoded at most once while it is remembered; a text that can't be decoded
  /// is not.
  func value<Fault: Error>(
    of text: String,
    _ decode: (String) throws(Fault) -> Value
  ) throws(Fault) -> Value {
    if let known = values.withLock({ $0[text] }) { return known }
    let value = try decode(text)
    guard text.utf8.count <= Limits.decodedTextBytes else { return value }
    values.withLock { values in
      if values.count >= Limits.decodedTexts { values.removeAll(keepingCapacity: true) }
      values[text] = value
    }
    return value
  }
}
