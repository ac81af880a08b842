/// Why no seed can be made of what is known about a VPS.
package enum SeedFault: Error, Equatable, Sendable {
  /// The instance id is empty, too long, or has characters that a script could trip over.
  case badInstanceID(String)
  /// The text is no host name.
  case badHostname(String)
  /// The text is no MAC address.
  case badMACAddress(String)
  /// The network configuration can't be rendered; the text tells what is wrong, for people only.
  case badNetwork(String)
  /// An entry of the network configuration names a MAC address that the VPS doesn't have.
  case interfaceMissing(id: String, macAddress: String)
  /// The network configuration has more entries than the VPS has interfaces.
  case tooFewInterfaces(needed: Int, present: Int)
  /// The user-data is longer than a seed may carry.
  case userDataTooLong
}
