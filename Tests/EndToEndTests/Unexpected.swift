/// Something that a test can't go on with.
struct Unexpected: Error, CustomStringConvertible {
  let what: String
  let found: String

  var description: String { "\(what): \(found)" }
}
