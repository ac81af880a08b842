import Crypto
package import Foundation
package import Model

/// A request as its `Idempotency-Key` names it, and what tells it from another one.
package struct IdempotentRequest: Sendable, Equatable {
  /// The API key that it came with: what one key sends says nothing of another's.
  package var keyID: KeyID
  /// The value of the header.
  package var idempotencyKey: String
  /// The method.
  package var method: String
  /// The path as it was sent.
  package var path: String
  /// The SHA-256 of the body's bytes.
  package var bodyHash: [UInt8]

  /// Names a request with a body of these bytes.
  package init(
    keyID: KeyID,
    idempotencyKey: String,
    method: String,
    path: String,
    body: some DataProtocol
  ) {
    self.init(
      keyID: keyID,
      idempotencyKey: idempotencyKey,
      method: method,
      path: path,
      bodyHash: Array(SHA256.hash(data: body))
    )
  }

  /// Names a request.
  package init(
    keyID: KeyID,
    idempotencyKey: String,
    method: String,
    path: String,
    bodyHash: [UInt8]
  ) {
    self.keyID = keyID
    self.idempotencyKey = idempotencyKey
    self.method = method
    self.path = path
    self.bodyHash = bodyHash
  }

  /// Whether both ask the same, whichever key they came with.
  package func asksSame(as other: IdempotentRequest) -> Bool {
    method == other.method && path == other.path && bodyHash == other.bodyHash
  }
}

/// An answer that says yes, byte for byte as it was given first.
package struct KeptAnswer: Sendable, Equatable {
  /// The HTTP status, from 200 to 299.
  package var status: Int
  /// The body's bytes.
  package var body: [UInt8]

  /// Makes an answer.
  package init(status: Int, body: [UInt8]) {
    self.status = status
    self.body = body
  }
}

/// A request with the answer that it got.
package struct IdempotencyRecord: Sendable, Equatable {
  /// The request.
  package var request: IdempotentRequest
  /// Its answer.
  package var answer: KeptAnswer
  /// When it was answered.
  package var at: Timestamp

  /// Makes a record.
  package init(request: IdempotentRequest, answer: KeptAnswer, at: Timestamp) {
    self.request = request
    self.answer = answer
    self.at = at
  }
}

/// The answers that are kept for requests that come again.
package protocol IdempotencyStore {
  /// Keeps an answer; the API key must have none under the same header value.
  func insert(_ record: IdempotencyRecord) throws(CatalogError)
  /// What an API key was answered under a header value, or else the nearest of those in whose place
  /// it came.
  func idempotencyRecord(
    of key: KeyID,
    _ idempotencyKey: String
  ) throws(CatalogError) -> IdempotencyRecord?
  /// Forgets what an API key was answered under a header value.
  func deleteIdempotencyRecord(of key: KeyID, _ idempotencyKey: String) throws(CatalogError)
  /// Forgets answers from before a moment, the oldest first and at most so many; gives how many.
  func deleteIdempotencyRecords(before time: Timestamp, limit: Int) throws(CatalogError) -> Int
}
