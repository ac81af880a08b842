import Hummingbird
import Model

/// An RFC 7807 problem document, field by field as the API's clients know it.
struct ProblemWire: Encodable {
  /// One fault of a request.
  struct Fault: Encodable {
    let pointer: String
    let detail: String
    let code: FaultCode
  }

  let type: String
  let title: String
  let status: Int
  let detail: String
  let code: String
  let instance: String
  let requestId: String
  let timestamp: String
  var errors: [Fault]?
  var extensions: ProblemExtensions?
}

/// What is particular to a problem; only what applies is there.
struct ProblemExtensions: Encodable, Equatable {
  /// The scopes that the key lacks.
  var requiredScopes: [Scope]?
  /// The code of the gate that is closed.
  var reason: NotReadyReason?
  /// The job that is in the way.
  var jobId: String?
  /// The largest body that is taken, in bytes.
  var limitBytes: Int?
  /// How many backups there are.
  var used: Int?
  /// How many backups there may be.
  var limit: Int?
  /// The parts of the server, each `ok` or what is wrong with it.
  var parts: [String: String]?
}

/// A refusal in the words of HTTP.
struct Problem {
  /// What is refused, and why.
  let refusal: Refusal
  /// The status it is answered with.
  let status: HTTPResponse.Status
  /// The headers that belong to it.
  var headers: HTTPFields = [:]
  /// What is particular to it; nil: nothing is.
  var extensions: ProblemExtensions?

  /// The one place that decides how a refusal is answered.
  init(_ refusal: Refusal) {
    self.refusal = refusal
    switch refusal {
    case .unauthorized:
      status = .unauthorized
      headers[.wwwAuthenticate] = "Bearer"
    case .forbidden(let scopes):
      status = .forbidden
      extensions = ProblemExtensions(requiredScopes: scopes)
    case .notFound:
      status = .notFound
    case .invalidRequest, .invalidCursor:
      status = .badRequest
    case .unreadable(let flaw):
      status = flaw == .headersTooLarge ? .requestHeaderFieldsTooLarge : .badRequest
    case .methodNotAllowed(let allow):
      status = .methodNotAllowed
      headers[.allow] = allow.joined(separator: ", ")
    case .requestTimeout:
      status = .requestTimeout
    case .payloadTooLarge(let limit):
      status = .contentTooLarge
      extensions = ProblemExtensions(limitBytes: limit)
    case .unsupportedMediaType:
      status = .unsupportedMediaType
    case .rateLimited(let seconds):
      status = .tooManyRequests
      headers[.retryAfter] = String(max(1, seconds))
    case .vpsNotReady(let reason, let job):
      status = .conflict
      extensions = ProblemExtensions(reason: reason, jobId: job?.text)
    case .backupQuotaExceeded(let used, let limit):
      status = .conflict
      extensions = ProblemExtensions(used: used, limit: limit)
    case .backupInUse, .idempotencyKeyReused, .jobNotCancellable, .undoExpired:
      status = .conflict
    case .serviceUnavailable(let seconds):
      status = .serviceUnavailable
      headers[.retryAfter] = String(max(1, seconds))
    case .internalError:
      status = .internalServerError
    }
  }

  /// The document for one request.
  func document(
    instance: String,
    requestID: Model.RequestID,
    now: Timestamp,
    typeBase: String
  ) -> ProblemWire {
    var document = ProblemWire(
      type: typeBase + refusal.code,
      title: refusal.title,
      status: status.code,
      detail: refusal.detail,
      code: refusal.code,
      instance: instance,
      requestId: requestID.text,
      timestamp: now.text
    )
    document.errors = refusal.faults?.map {
      ProblemWire.Fault(pointer: $0.pointer, detail: $0.detail, code: $0.code)
    }
    document.extensions = extensions
    return document
  }
}

/// Problems with more to say than their refusal.
struct DetailedRefusal: Error {
  /// The problem with everything it has to say.
  private(set) var problem: Problem

  /// Takes a problem as it is.
  init(_ problem: Problem) {
    self.problem = problem
  }

  /// Adds to what a refusal says by itself.
  init(_ refusal: Refusal, adding change: (inout ProblemExtensions) -> Void) {
    problem = Problem(refusal)
    var extensions = problem.extensions ?? ProblemExtensions()
    change(&extensions)
    problem.extensions = extensions
  }
}
