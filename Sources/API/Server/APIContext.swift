package import Catalog
package import Hummingbird
import Logging
package import Model
package import Operations

/// What is known of a request from its first byte on.
package struct APIContext: RequestContext {
  package var coreContext: CoreRequestContextStorage
  /// Names the request in answers, logs and the audit log; a client's own value is never taken.
  package let requestID: Model.RequestID
  /// Where it came from; nil when the connection doesn't tell.
  package var address: String?
  /// Who asks; nil until a key was found good.
  package var caller: Caller?
  /// What the catalog was at when it was asked who that is; nil when that isn't known.
  package var catalogVersion: CatalogVersion?
  /// What it came on.
  let connection: Connection

  package init(source: ApplicationRequestContextSource) {
    coreContext = CoreRequestContextStorage(source: source)
    requestID = IdentifierFactory(clock: SystemWallClock()).make()
    address = source.channel.remoteAddress?.ipAddress
    connection = Connection(source.channel)
    logger[metadataKey: "hb.request.id"] = nil
    logger[metadataKey: "request.id"] = "\(requestID)"
  }
}

/// What is known of a request whose key was found good: routes that need a caller can't be reached
/// without one.
package struct CallerContext: ChildRequestContext {
  package var coreContext: CoreRequestContextStorage
  /// Names the request.
  package let requestID: Model.RequestID
  /// Who asks.
  package let caller: Caller
  /// What the catalog was at after the request had come; nil when that isn't known.
  package let catalogVersion: CatalogVersion?
  /// What it came on.
  let connection: Connection

  package init(context: APIContext) throws {
    guard let caller = context.caller else { throw Refusal.unauthorized }
    coreContext = context.coreContext
    requestID = context.requestID
    connection = context.connection
    catalogVersion = context.catalogVersion
    self.caller = caller
  }
}
