import API
import Model
import TestSupport
import Testing

/// The token buckets themselves.
@Suite struct RateLimiterTests {
  private let clock = ManualClock()

  private func limiter(capacity: Int = 100) -> RateLimiter {
    RateLimiter(
      limits: RateLimits(
        read: RateLimit(perMinute: 60, burst: 3),
        write: RateLimit(perMinute: 6, burst: 1),
        address: RateLimit(perMinute: 60, burst: 2)
      ),
      clock: clock,
      capacity: capacity
    )
  }

  private let key = KeyID("key_01hxa3b4c5d6e7f8g9h0j1k2m3")

  private func read() throws -> RateLimiter.Counted { .key(try #require(key), .read) }

  @Test func `Who would be refused is known without counting`() {
    let limiter = limiter()
    let (one, other) = (AddressBlock("192.0.2.1"), AddressBlock("192.0.2.2"))
    for left in [1, 0] {
      #expect(limiter.refusal(of: { .address(one) }) == nil)
      #expect(limiter.count(.address(one)).remaining == left)
    }
    for _ in 0..<3 {
      #expect(limiter.refusal(of: { .address(one) })?.retryAfterSeconds == 1)
      #expect(limiter.refusal(of: { .address(other) }) == nil)
    }
    clock.advance(by: .milliseconds(999))
    #expect(limiter.refusal(of: { .address(one) }) != nil)
    clock.advance(by: .milliseconds(1))
    #expect(limiter.refusal(of: { .address(one) }) == nil)
    #expect(limiter.count(.address(one)).retryAfterSeconds == nil)
    #expect(limiter.refusal(of: { .address(one) }) != nil)
  }

  @Test func `A burst passes, then one request for each token that comes back`() throws {
    let limiter = limiter()
    let remaining = try (0..<3).map { _ in try limiter.count(read()).remaining }
    #expect(remaining == [2, 1, 0])
    let refused = try limiter.count(read())
    #expect(refused.retryAfterSeconds == 1)
    #expect(refused.remaining == 0 && refused.limit == 3)
    #expect(refused.reset == clock.now().advanced(by: .seconds(3)))
    clock.advance(by: .milliseconds(999))
    #expect(try limiter.count(read()).retryAfterSeconds == 1)
    clock.advance(by: .milliseconds(1))
    #expect(try limiter.count(read()).retryAfterSeconds == nil)
    #expect(try limiter.count(read()).retryAfterSeconds != nil)
    clock.advance(by: .seconds(60))
    #expect(try limiter.count(read()).remaining == 2)
  }

  @Test func `Refused requests cost nothing`() throws {
    let limiter = limiter()
    for _ in 0..<100 { _ = try limiter.count(read()) }
    clock.advance(by: .seconds(1))
    #expect(try limiter.count(read()).retryAfterSeconds == nil)
  }

  @Test func `Each kind of request has a bucket of its own`() throws {
    let limiter = limiter()
    let write = RateLimiter.Counted.key(try #require(key), .write)
    #expect(limiter.count(write).retryAfterSeconds == nil)
    #expect(limiter.count(write).retryAfterSeconds == 10)
    #expect(try limiter.count(read()).retryAfterSeconds == nil)
  }

  @Test func `An IPv6 host is its /64, an IPv4 host its address`() {
    #expect(AddressBlock("2001:db8::1") == AddressBlock("2001:db8::ffff:1"))
    #expect(AddressBlock("2001:db8::1") != AddressBlock("2001:db8:0:1::1"))
    #expect(AddressBlock("192.0.2.1") != AddressBlock("192.0.2.2"))
    #expect(AddressBlock("::ffff:192.0.2.1") == AddressBlock("192.0.2.1"))
    #expect(AddressBlock("::192.0.2.1") != AddressBlock("192.0.2.1"))
  }

  @Test func `A crowd can't make the limiter forget who asked too often`() {
    let slow = RateLimit(perMinute: 1, burst: 1)
    let limiter = RateLimiter(limits: RateLimits(address: slow), clock: clock, capacity: 8)
    let own = RateLimiter.Counted.address(AddressBlock("192.0.2.1"))
    #expect(limiter.count(own).retryAfterSeconds == nil)
    // The table is full and looked through again and again, but nobody's minute is over.
    for second in 0..<30 {
      for number in 0..<20 {
        _ = limiter.count(.address(AddressBlock("198.51.\(second).\(number)")))
      }
      clock.advance(by: .seconds(1))
      #expect(limiter.count(own).retryAfterSeconds != nil)
    }
  }

  @Test func `Who finds no place shares one bucket, and has its own when the crowd has gone`() {
    let limiter = limiter(capacity: 2)
    let addresses = (1...5).map {
      RateLimiter.Counted.address(AddressBlock("192.0.2.\($0)"))
    }
    for address in addresses[..<2] { _ = limiter.count(address) }
    #expect(limiter.count(addresses[2]).retryAfterSeconds == nil)
    #expect(limiter.count(addresses[3]).retryAfterSeconds == nil)
    #expect(limiter.count(addresses[4]).retryAfterSeconds != nil)
    clock.advance(by: .seconds(10))
    #expect(limiter.count(addresses[4]).remaining == 1)
    #expect(limiter.count(addresses[4]).remaining == 0)
    #expect(limiter.count(addresses[3]).remaining == 1)
  }

  @Test func `A clock that was set back locks nobody out for long`() throws {
    let limiter = limiter()
    clock.advance(by: .seconds(86_400))
    _ = try limiter.count(read())
    clock.advance(by: .seconds(-86_400))
    #expect(try #require(try limiter.count(read()).retryAfterSeconds) <= 3)
    clock.advance(by: .seconds(3))
    #expect(try limiter.count(read()).retryAfterSeconds == nil)
  }
}
