package import Model

/// Where the API listens and how it speaks.
package struct APIConfiguration: Sendable, Equatable {
  /// The address to listen on.
  package var host: String
  /// The port to listen on; 0 takes a free one.
  package var port: Int
  /// What stands before a problem's code in its `type`; ends with a slash.
  package var typeBase: String
  /// How often callers may ask.
  package var rates: RateLimits
  /// How long and how much a connection may.
  package var connections: ConnectionLimits
  /// The proxies whose word on the client's address is believed.
  package var trustedProxies: [AddressRange]
  /// Which header they write.
  package var forwardingHeader: ForwardingHeader

  /// Makes a configuration.
  package init(
    host: String = "127.0.0.1",
    port: Int = 8080,
    typeBase: String,
    rates: RateLimits = RateLimits(),
    connections: ConnectionLimits = ConnectionLimits(),
    trustedProxies: [AddressRange] = [],
    forwardingHeader: ForwardingHeader = .forwardedFor
  ) {
    self.host = host
    self.port = port
    self.typeBase = typeBase.hasSuffix("/") ? typeBase : typeBase + "/"
    self.rates = rates
    self.connections = connections
    self.trustedProxies = trustedProxies
    self.forwardingHeader = forwardingHeader
  }
}
