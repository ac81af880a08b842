import Catalog
import Hummingbird
import Model
import Operations

/// `GET /api/v2/vps/{id}`: one VPS with its gates.
struct VPSRoute: CallerRoute {
  static let method = HTTPRequest.Method.get
  static let path: RouterPath = "/api/v2/vps/{id}"
  static let scope: Scope? = .readVM
  static let documentation = RouteDocumentation(
    name: "getVPS",
    summary: "One VPS",
    about: "With its gates: what may be done to it now, and if not, why. Terminated ones, too.",
    chapter: .vps,
    answer: .json(.ok, "The VPS.", .component("VPS"), example: Examples.vps)
  )

  /// All that an answer depends on beside the catalog.
  private struct Question: Hashable {
    let id: VPSID
    let client: ClientID?
    let scopes: Set<Scope>?
  }

  let operations: Operations
  /// Panels ask for it again and again, and mostly nothing has happened.
  private let kept = KeptReads<Question, ByteBuffer>()

  init(operations: Operations) {
    self.operations = operations
  }

  func answer(_ request: Request, _ context: CallerContext) async throws -> Response {
    let (caller, text) = (context.caller, context.identifier("id"))
    guard let id = VPSID(text) else { throw Refusal.notFound }
    let question = Question(id: id, client: caller.clientID, scopes: caller.scopes)
    if let body = kept.value(of: question, at: context.catalogVersion) { return .json(body) }
    let body = try ByteBuffer.json(VPSWire(await operations.vps(caller, text)))
    kept.keep(body, of: question, at: context.catalogVersion)
    return .json(body)
  }
}
