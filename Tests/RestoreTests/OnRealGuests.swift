import Testing

/// Everything that boots guests: one test after the other, since each needs its turn with guests and
/// measures nothing while it waits for it.
@Suite(.serialized) enum OnRealGuests {}
