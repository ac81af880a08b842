import Foundation
import Model
import Testing

@Suite struct ULIDTests {
  @Test(arguments: [
    "01hxa3b4c5d6e7f8g9h0j1k2m3", "00000000000000000000000000", "7zzzzzzzzzzzzzzzzzzzzzzzzz",
  ])
  func `canonical texts are read and written back unchanged`(text: String) throws {
    let ulid = try #require(ULID(text))
    #expect(ulid.description == text)
  }

  @Test(arguments: [
    "", "01hxa3b4c5d6e7f8g9h0j1k2m", "01hxa3b4c5d6e7f8g9h0j1k2m33", "01HXA3B4C5D6E7F8G9H0J1K2M3",
    "8zzzzzzzzzzzzzzzzzzzzzzzzz", "01hxa3b4c5d6e7f8g9h0j1k2mi", "01hxa3b4c5d6e7f8g9h0j1k2m\u{e9}",
  ])
  func `anything else is refused`(text: String) {
    #expect(ULID(text) == nil)
  }

  @Test func `the moment survives, and later ones sort later`() {
    var generator = SystemRandomNumberGenerator()
    let early = ULID(at: Timestamp(milliseconds: 1_714_220_000_000), using: &generator)
    let late = ULID(at: Timestamp(milliseconds: 1_714_220_000_001), using: &generator)
    #expect(early.time.milliseconds == 1_714_220_000_000)
    #expect(early < late)
    #expect(early.description < late.description)
  }

  @Test(arguments: [
    "vps_01hxa3b4c5d6e7f8g9h0j1k2m3x", "bkp_01hxa3b4c5d6e7f8g9h0j1k2m3",
    "vps01hxa3b4c5d6e7f8g9h0j1k2m3",
    "vps_", "", "VPS_01hxa3b4c5d6e7f8g9h0j1k2m3", "vps_../../etc/passwd0000000000",
  ])
  func `an identifier of another kind or form isn't a VPS's`(text: String) {
    #expect(VPSID(text) == nil)
  }

  @Test func `an identifier keeps its text`() {
    #expect(VPSID("vps_01hxa3b4c5d6e7f8g9h0j1k2m3")?.text == "vps_01hxa3b4c5d6e7f8g9h0j1k2m3")
  }
}

@Suite struct TimestampTests {
  @Test func `Every day of 500 years is written as the calendar has it`() {
    let style = Date.ISO8601FormatStyle()
    // 1700-01-01 to 2200: leap years, and centuries that are none.
    for day in -98_615..<84_370 {
      let second = Double(day * 86_400 + (day % 97 + 97) * 883 % 86_400)
      let expected = Date(timeIntervalSince1970: second).formatted(style).dropLast()
      let text = Timestamp(milliseconds: Int64(second) * 1000 + 45).text
      if text != "\(expected).045Z" { Issue.record("\(text) instead of \(expected)") }
    }
  }

  @Test(arguments: [
    (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
    (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    (253_402_300_800_000, "10000-01-01T00:00:00.000Z"),
    (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
  ])
  func `The ends of years and eras are what they are`(_ milliseconds: Int64, _ text: String) {
    #expect(Timestamp(milliseconds: milliseconds).text == text)
  }

  @Test func `times are ISO 8601 in UTC with milliseconds`() {
    #expect(Timestamp(milliseconds: 1_777_293_296_000).text == "2026-04-27T12:34:56.000Z")
    #expect(Timestamp(milliseconds: 1_777_293_296_007).text == "2026-04-27T12:34:56.007Z")
    #expect(Timestamp("2026-04-27T12:34:56.007Z")?.milliseconds == 1_777_293_296_007)
    #expect(Timestamp("2026-04-27T12:34:56Z")?.milliseconds == 1_777_293_296_000)
    #expect(Timestamp("yesterday") == nil)
  }
}

@Suite struct KeyTextTests {
  private static let id = KeyID("key_01hxa3b4c5d6e7f8g9h0j1k2m3")

  @Test func `a new key has the documented form and is read back`() throws {
    let id = try #require(Self.id)
    var generator = SystemRandomNumberGenerator()
    let made = KeyText(id: id, using: &generator)
    let text = made.secret.reveal()
    #expect(text.utf8.count == 3 + 26 + 1 + 43)
    #expect(text.hasPrefix("rh_01hxa3b4c5d6e7f8g9h0j1k2m3_"))
    #expect(KeyText(text)?.id == id)
  }

  @Test(arguments: [
    "", "rh_", "rh_01hxa3b4c5d6e7f8g9h0j1k2m3_short",
    "xx_01hxa3b4c5d6e7f8g9h0j1k2m3_" + String(repeating: "a", count: 43),
    "rh_01hxa3b4c5d6e7f8g9h0j1k2m3_" + String(repeating: "a", count: 44),
    "rh_01hxa3b4c5d6e7f8g9h0j1k2m3_" + String(repeating: "%", count: 43),
  ])
  func `malformed keys are refused`(text: String) {
    #expect(KeyText(text) == nil)
  }

  @Test func `a secret never prints`() {
    let secret = Secret("hunter2")
    #expect("\(secret)" == "***")
    #expect(String(reflecting: secret) == "***")
    var dumped = ""
    dump(secret, to: &dumped)
    #expect(!dumped.contains("hunter2"))
  }
}
