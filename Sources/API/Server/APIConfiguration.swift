/// Where the API listens and how it speaks.
package struct APIConfiguration: Sendable, Equatable {
  /// The address to listen on.
  package var host: String
  /// The port to listen on; 0 takes a free one.
  package var port: Int
  /// What stands before a problem's code in its `type`; ends with a slash.
  package var typeBase: String

  /// Makes a configuration.
  package init(host: String = "127.0.0.1", port: Int = 8080, typeBase: String) {
    self.host = host
    self.port = port
    self.typeBase = typeBase.hasSuffix("/") ? typeBase : typeBase + "/"
  }
}
