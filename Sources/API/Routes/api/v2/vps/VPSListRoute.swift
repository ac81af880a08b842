import Hummingbird
import Model
import Operations

/// `GET /api/v2/vps`: the caller's VPSs, a page at a time.
struct VPSListRoute: CallerRoute {
  static let method = HTTPRequest.Method.get
  static let path: RouterPath = "/api/v2/vps"
  static let scope: Scope? = .readVM
  static let documentation = RouteDocumentation(
    name: "listVPS",
    summary: "List VPSs",
    about: "Your VPSs with what may be done to each, a page at a time; not the terminated ones.",
    chapter: .vps,
    query: [
      .limit, .cursor,
      RouteDocumentation.Parameter(
        name: "name",
        schema: .text("This name alone, letter case ignored.", example: "web1")
      ),
      RouteDocumentation.Parameter(
        name: "primaryIp",
        schema: .either(
          "This first address alone, however it is written.",
          [
            .text("IPv4.", example: "192.0.2.10", format: "ipv4"),
            .text("IPv6.", example: "2001:db8::10", format: "ipv6"),
          ]
        )
      ),
    ],
    answer: .json(
      .ok,
      "A page of VPSs.",
      .component("VPSPage"),
      example: ["data": [Examples.vps], "hasMore": false, "nextCursor": .null]
    ),
    links: RouteDocumentation.Link.ofFirstVPS
  )

  let operations: Operations

  func answer(_ request: Request, _ context: CallerContext) async throws -> Response {
    var query = QueryFields(request.uri.query)
    let limit = query.limit()
    let name = query.storedText("name")
    let primaryAddress = query.address("primaryIp")
    let cursor = query.text("cursor")
    try query.finish()
    let page = try await operations.listVPS(
      context.caller,
      name: name,
      primaryAddress: primaryAddress,
      cursor: cursor,
      limit: limit
    )
    return try .json(VPSPageWire(page))
  }
}
