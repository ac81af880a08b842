import Testing

extension Tag {
  /// Takes longer than some seconds, for the guests that it boots.
  @Tag static var slow: Self
}
