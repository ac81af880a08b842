/// An operating system as the guest's own agent tells it; a hostile guest can say anything here.
package struct GuestSystem: Sendable, Equatable {
  /// The name for people, such as `Debian GNU/Linux 12 (bookworm)`.
  package let prettyName: String
  /// The short name, such as `debian` or `mswindows`.
  package let identifier: String
  /// The version, such as `12`.
  package let version: String
  /// The variant, such as `server`.
  package let variant: String

  /// Makes a system from its parts; what is longer than any real name is cut off.
  package init(
    prettyName: String,
    identifier: String,
    version: String = "",
    variant: String = ""
  ) {
    self.prettyName = Self.tame(prettyName)
    self.identifier = Self.tame(identifier)
    self.version = Self.tame(version)
    self.variant = Self.tame(variant)
  }

  /// Text that can go into logs, terminals and pages: short and printable.
  private static func tame(_ text: String) -> String {
    let scalars = text.unicodeScalars.filter { scalar in
      switch scalar.properties.generalCategory {
      case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
        .paragraphSeparator:
        false
      default: true
      }
    }
    let short = String(String.UnicodeScalarView(scalars.prefix(CallLimits.guestWordCharacters)))
    return short.split(separator: " ").joined(separator: " ")
  }
}
