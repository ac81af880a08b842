import Catalog
import Hummingbird
import Model
import Operations

/// A route that answers POST: it says what its body is and what change it asks for; reading the
/// one and making the other, once however often the same request comes, is done here for all.
protocol PostRoute: CallerRoute {
  /// What it reads of a request.
  associatedtype Body: RequestBody
  /// What its change gives.
  associatedtype Accepted: Sendable

  /// The use cases.
  var operations: Operations { get }
  /// The change that a request asks for. What is refused here is refused before it is looked up
  /// whether the request came before, so only what can be told from body and caller alone belongs
  /// here; every rule that looks at the catalog stands inside the change.
  func change(_ body: Body, _ context: CallerContext) throws(Refusal) -> Change<Accepted>
  /// The answer of a change that was made; it is kept, so it must not differ from request to
  /// request.
  static func answer(_ accepted: Accepted) throws -> KeptAnswer
}

extension PostRoute {
  static var method: HTTPRequest.Method { .post }

  func answer(_ request: Request, _ context: CallerContext) async throws -> Response {
    let received = try await request.receiveBody()
    let body = try Body.read(received)
    let key = try IdempotencyKeyHeader.value(in: request.headers)
    let change = try change(body, context)
    guard let key, case .key(let keyID, _, _) = context.caller.identity else {
      return Response(try Self.answer(await operations.perform(change)))
    }
    let once = try await operations.perform(
      change,
      onceFor: IdempotentRequest(
        keyID: keyID,
        idempotencyKey: key,
        method: request.method.rawValue,
        path: request.uri.path,
        body: received.bytes
      ),
      answering: Self.answer
    )
    var response = Response(once.answer)
    if once.isReplayed { response.headers[.idempotencyReplayed] = "true" }
    return response
  }
}

extension PostRoute where Accepted == Job {
  static func answer(_ accepted: Job) throws -> KeptAnswer {
    try .json(AcceptedWire(accepted), status: .accepted)
  }
}
