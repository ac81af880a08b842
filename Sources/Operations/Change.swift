package import Catalog
package import Model

/// What a use case would write, thought out and not yet written.
///
/// Use cases that a POST asks for give a change instead of making it, so that whoever makes it can
/// write more in the same transaction: the API keeps the answer there for a request that comes
/// again. Everything that can be said without the catalog, such as a scope that is missing, is said
/// before there is a change; all else inside, where it is still true when it is written.
package struct Change<Value: Sendable>: Sendable {
  /// Does it within one transaction.
  let body: @Sendable (any CatalogTransaction) throws -> Value

  /// Makes a change of what `body` does within one transaction.
  package init(_ body: @escaping @Sendable (any CatalogTransaction) throws -> Value) {
    self.body = body
  }
}

/// An answer, and whether it was given before.
package struct OnceAnswer: Sendable, Equatable {
  /// The answer.
  package var answer: KeptAnswer
  /// Whether an earlier request got it and nothing was done now.
  package var isReplayed: Bool

  /// Makes an answer.
  package init(answer: KeptAnswer, isReplayed: Bool) {
    self.answer = answer
    self.isReplayed = isReplayed
  }
}

extension Operations {
  /// Makes a change.
  package func perform<Value>(_ change: Change<Value>) async throws(Refusal) -> Value {
    try await write(change.body)
  }

  /// Makes a change once for all requests that are the same, and keeps its answer for those to
  /// come: looking for an earlier one, the change and the answer's record are one immediate
  /// transaction, so of many at once, in any processes, one does it and the others find it done.
  ///
  /// A change that is refused leaves no record: the next request is judged anew.
  package func perform<Value>(
    _ change: Change<Value>,
    onceFor request: IdempotentRequest,
    answering answer: @escaping @Sendable (Value) throws -> KeptAnswer
  ) async throws(Refusal) -> OnceAnswer {
    try await write { transaction in
      let now = self.clock.now()
      let key = request.idempotencyKey
      if let record = try transaction.idempotencyRecord(of: request.keyID, key) {
        if now < record.at.advanced(by: Limits.idempotencyLifetime) {
          guard record.request.asksSame(as: request) else { throw Refusal.idempotencyKeyReused }
          return OnceAnswer(answer: record.answer, isReplayed: true)
        }
        // Housekeeping will come too late for this one.
        try transaction.deleteIdempotencyRecord(of: record.request.keyID, key)
      }
      let first = try answer(change.body(transaction))
      try transaction.insert(IdempotencyRecord(request: request, answer: first, at: now))
      return OnceAnswer(answer: first, isReplayed: false)
    }
  }

  /// Forgets answers that are kept no longer, a bounded number in each transaction so that nobody
  /// waits long behind it.
  package func forgetOldAnswers() async throws(Refusal) {
    let end = clock.now().advanced(by: .zero - Limits.idempotencyLifetime)
    var forgotten = 0
    repeat {
      forgotten = try await write {
        try $0.deleteIdempotencyRecords(before: end, limit: Limits.idempotencyBatch)
      }
    } while forgotten == Limits.idempotencyBatch && !Task.isCancelled
  }
}
