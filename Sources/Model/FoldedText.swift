import Foundation

/// Text with the differences between capital and small letters, and between the spellings of one
/// character, taken out: two names that people take for the same have the same folded text.
package enum FoldedText {
  /// The folded text.
  ///
  /// Small, capital and small again is Unicode's full case folding for all that names are made of:
  /// `ß`, `ẞ` and `ss` are the same then, and so are the two forms of a sigma.
  package static func of(_ text: String) -> String {
    text.decomposedStringWithCanonicalMapping
      .lowercased().uppercased().lowercased()
      .precomposedStringWithCanonicalMapping
  }
}
