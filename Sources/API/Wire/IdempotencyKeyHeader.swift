import HTTPTypes
import Model

/// The header by which a client says which of its requests are one.
enum IdempotencyKeyHeader {
  /// Its value; nil when it isn't there.
  static func value(in headers: HTTPFields) throws(Refusal) -> String? {
    let values = headers[values: .idempotencyKey]
    guard let value = values.first else { return nil }
    guard values.count == 1 else {
      throw fault(.duplicateField, "The header `Idempotency-Key` is there more than once.")
    }
    let maximum = Limits.idempotencyKeyCharacters
    guard value.utf8.count <= maximum else {
      throw fault(.tooLong, "The header `Idempotency-Key` has at most \(maximum) characters.")
    }
    guard !value.isEmpty, value.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
      throw fault(
        .invalidValue,
        "The header `Idempotency-Key` has 1 to \(maximum) visible ASCII characters."
      )
    }
    return value
  }

  /// A header is no part of the body, so the pointer is empty.
  private static func fault(_ code: FaultCode, _ detail: String) -> Refusal {
    .invalidRequest([Fault(pointer: "", code: code, detail: detail)])
  }
}
