/// Which header the trusted proxies write; another one is whatever a client made up.
package enum ForwardingHeader: String, Sendable, CaseIterable {
  case forwardedFor = "x-forwarded-for"
  case forwarded
}
