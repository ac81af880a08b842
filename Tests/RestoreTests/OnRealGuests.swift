import Testing

/// Everything that boots guests: one test after the other.
///
/// A test takes two of the few guests that may run at a time; two tests with one each would wait
/// for each other for ever.
@Suite(.serialized) enum OnRealGuests {}
