import Model

/// What a guest runs, in its own words; only what it tells is there.
struct OperatingSystemWire: Encodable {
  let displayName: String
  let family: String
  let version: String?
  let variant: String?

  init(_ system: OperatingSystem) {
    displayName = system.displayName
    family = system.family
    version = system.version
    variant = system.variant
  }
}
