import API
import Model
import Testing

@Suite struct JSONReaderTests {
  static let good: [(text: String, value: JSON)] = [
    ("null", .null),
    (" \t\r\n true ", .boolean(true)),
    ("false", .boolean(false)),
    ("0", .number("0")),
    ("-0.5e+10", .number("-0.5e+10")),
    ("12E3", .number("12E3")),
    (#""""#, .string("")),
    (#""a\"\\\/\b\f\n\r\té🙂""#, .string("a\"\\/\u{8}\u{c}\n\r\té🙂")),
    (#""\u00e9\uD83D\ude42""#, .string("é🙂")),
    ("[]", .array([])),
    ("[ 1 , [2] ]", .array([.number("1"), .array([.number("2")])])),
    ("{ }", .object([])),
    (
      #"{"a":1,"b":{"c":null},"a":2}"#,
      .object([
        .init("a", .number("1")), .init("b", .object([.init("c", .null)])),
        .init("a", .number("2")),
      ])
    ),
  ]

  @Test(arguments: good) func `JSON is read as it was sent`(
    _ row: (text: String, value: JSON)
  ) throws {
    #expect(try JSONReader.read(Array(row.text.utf8), depthLimit: 16) == row.value)
  }

  static let bad: [(text: String, fault: JSONFault)] = [
    ("", .incomplete), (" ", .incomplete), ("{", .incomplete), (#"{"a""#, .incomplete),
    (#"{"a":"#, .incomplete), (#"{"a":1"#, .incomplete), ("[1", .incomplete),
    (#""a"#, .incomplete), (#""\"#, .incomplete), (#""\u12"#, .incomplete), ("tru", .incomplete),
    ("-", .incomplete), ("1.", .incomplete), ("1e", .incomplete),
    ("01", .unexpected(offset: 1)), ("+1", .unexpected(offset: 0)),
    (".5", .unexpected(offset: 0)), ("1.x", .unexpected(offset: 2)),
    ("[1,]", .unexpected(offset: 3)), ("[,]", .unexpected(offset: 1)),
    ("[1 2]", .unexpected(offset: 3)), (#"{"a":1,}"#, .unexpected(offset: 7)),
    ("{a:1}", .unexpected(offset: 1)), (#"{"a" 1}"#, .unexpected(offset: 5)),
    ("{1:2}", .unexpected(offset: 1)), ("nul1", .unexpected(offset: 3)),
    ("null x", .unexpected(offset: 5)), ("{}{}", .unexpected(offset: 2)),
    ("'a'", .unexpected(offset: 0)), ("NaN", .unexpected(offset: 0)),
    ("// x", .unexpected(offset: 0)), ("\u{FEFF}{}", .unexpected(offset: 0)),
    ("\"a\nb\"", .unexpected(offset: 2)), (#""\x""#, .unexpected(offset: 2)),
    (#""\u12g4""#, .unexpected(offset: 5)), (#""\ud83d""#, .unexpected(offset: 7)),
    (#""\ud83dA""#, .unexpected(offset: 7)), (#""\ud83d\u0041""#, .unexpected(offset: 3)),
    (#""\ude42""#, .unexpected(offset: 3)),
  ]

  @Test(arguments: bad) func `Anything else is told by its place`(
    _ row: (text: String, fault: JSONFault)
  ) {
    #expect(throws: row.fault) {
      try JSONReader.read(Array(row.text.utf8), depthLimit: 16)
    }
  }

  @Test func `Bytes that aren't UTF-8 are refused`() {
    for bytes: [UInt8] in [
      [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80],
    ] {
      #expect(throws: JSONFault.notUTF8) { try JSONReader.read(bytes, depthLimit: 16) }
    }
  }

  @Test func `Nesting is bounded`() throws {
    let nested = { (depth: Int) in
      Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
    }
    _ = try JSONReader.read(nested(16), depthLimit: 16)
    #expect(throws: JSONFault.tooDeep(limit: 16)) {
      try JSONReader.read(nested(17), depthLimit: 16)
    }
    #expect(throws: JSONFault.tooDeep(limit: 16)) {
      try JSONReader.read(Array(String(repeating: "[", count: 60_000).utf8), depthLimit: 16)
    }
  }

  @Test(arguments: ["n", "~", "ü"])
  func `A small body with very many faults gets a small answer`(_ letter: String) throws {
    let name = String(repeating: letter, count: 32_000 / letter.utf8.count)
    let many = Array(repeating: #""":0"#, count: 6000).joined(separator: ",")
    let refusal = try #require(throws: Refusal.self) {
      try CreateBackupBody.read(Array(#"{"\#(name)":{\#(many)},"\#(name)":[{\#(many)}]}"#.utf8))
    }
    let faults = try #require(refusal.faults)
    #expect(faults.count <= 64)
    #expect(faults.reduce(0) { $0 + $1.pointer.utf8.count + $1.detail.utf8.count } < 64 * 400)
  }

  @Test func `Duplicates are found at any depth, unknown fields once`() {
    let body = #"{"note":"n","x":[{"a":1,"a":2}],"x":1}"#
    #expect(
      throws: Refusal.invalidRequest([
        Fault(
          pointer: "/x/0/a",
          code: .duplicateField,
          detail: "`a` is there more than once."
        ),
        Fault(pointer: "/x", code: .duplicateField, detail: "`x` is there more than once."),
        Fault(
          pointer: "/x",
          code: .unknownField,
          detail: "`x` is not a field of this request."
        ),
      ])
    ) {
      try CreateBackupBody.read(Array(body.utf8))
    }
  }

  @Test func `An answer tells a bounded number of faults`() {
    let fields = (0..<5000).map { #""f\#($0)":0"# }.joined(separator: ",")
    let error = #expect(throws: Refusal.self) {
      try CreateBackupBody.read(Array("{\(fields)}".utf8))
    }
    guard case .invalidRequest(let faults) = error else {
      Issue.record("the wrong refusal")
      return
    }
    #expect(faults.count == 64)
  }
}
