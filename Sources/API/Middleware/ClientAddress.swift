import Foundation
import HTTPTypes
import Hummingbird
import Model

/// Finds a client's address behind trusted proxies: the rightmost one that isn't a proxy's own.
struct ClientAddress: RouterMiddleware {
  typealias Context = APIContext

  /// Whose word is believed.
  let proxies: [AddressRange]
  /// Which header they write.
  let header: ForwardingHeader

  func handle(
    _ request: Request,
    context: APIContext,
    next: @concurrent (Request, APIContext) async throws -> Response
  ) async throws -> Response {
    var context = context
    context.address = address(behind: context.address, request.headers)
    return try await next(request, context)
  }

  /// Goes back from proxy to proxy for as long as each is believed.
  private func address(behind peer: String?, _ headers: HTTPFields) -> String? {
    guard var current = peer, isProxy(current) else { return peer }
    for hop in hops(headers).reversed() {
      // Whatever stands before a word that isn't an address can't be told from an invention.
      guard IPAddress(hop) != nil else { return current }
      current = hop
      guard isProxy(current) else { return current }
    }
    return current
  }

  private func isProxy(_ text: String) -> Bool {
    guard let address = IPAddress(text) else { return false }
    return proxies.contains { $0.contains(address) }
  }

  private func hops(_ headers: HTTPFields) -> [String] {
    switch header {
    case .forwardedFor:
      headers[values: .forwardedFor].flatMap { Self.split($0, ",") }.map(Self.withoutPort)
    case .forwarded:
      headers[values: .forwarded].flatMap { Self.split($0, ",") }.map { element in
        let pairs = Self.split(element, ";").map { Self.split($0, "=") }
        let value = pairs.last { $0.count == 2 && $0[0].lowercased() == "for" }?[1] ?? "unknown"
        return Self.withoutPort(value.filter { $0 != "\"" })
      }
    }
  }

  /// By scalars: a character that joins the next one must not hide a separator.
  private static func split(_ text: String, _ separator: Unicode.Scalar) -> [String] {
    text.unicodeScalars.split(separator: separator, omittingEmptySubsequences: false).map {
      String($0).trimmingCharacters(in: .whitespaces)
    }
  }

  /// `192.0.2.1:4711` and `[2001:db8::1]:4711` are addresses with a port.
  private static func withoutPort(_ text: String) -> String {
    if text.hasPrefix("[") { return String(text.dropFirst().prefix { $0 != "]" }) }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    return parts.count == 2 ? String(parts[0]) : text
  }
}
