/// Why a text isn't JSON that the API takes.
package enum JSONFault: Error, Equatable, Sendable {
  /// Some bytes aren't UTF-8.
  case notUTF8
  /// Something else was expected at this byte.
  case unexpected(offset: Int)
  /// The text ends within a value.
  case incomplete
  /// Arrays and objects nest deeper than this many levels.
  case tooDeep(limit: Int)
}

/// Reads JSON (RFC 8259) strictly, keeping what a decoder would hide: duplicates and their order.
///
/// It is ours because decoders stop at the first fault and drop duplicate members silently.
package struct JSONReader {
  private let bytes: [UInt8]
  private let depthLimit: Int
  private var position = 0

  /// Reads one value, with nothing but white space around it.
  package static func read(
    _ bytes: [UInt8],
    depthLimit: Int
  ) throws(JSONFault) -> JSON {
    guard String(validating: bytes, as: UTF8.self) != nil else { throw .notUTF8 }
    var reader = JSONReader(bytes: bytes, depthLimit: depthLimit)
    let value = try reader.value(depth: 0)
    reader.skipSpace()
    guard reader.position == bytes.count else { throw .unexpected(offset: reader.position) }
    return value
  }

  private init(bytes: [UInt8], depthLimit: Int) {
    self.bytes = bytes
    self.depthLimit = depthLimit
  }

  // MARK: - Values

  private mutating func value(depth: Int) throws(JSONFault) -> JSON {
    skipSpace()
    switch try peek() {
    case UInt8(ascii: "{"): return .object(try members(depth: depth + 1))
    case UInt8(ascii: "["): return .array(try elements(depth: depth + 1))
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number())
    case UInt8(ascii: "t"): return try word("true", .boolean(true))
    case UInt8(ascii: "f"): return try word("false", .boolean(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: throw .unexpected(offset: position)
    }
  }

  private mutating func members(depth: Int) throws(JSONFault) -> [JSON.Member] {
    var members: [JSON.Member] = []
    try open(depth: depth)
    if try takeAfterSpace("}") { return members }
    while true {
      skipSpace()
      let name = try string()
      guard try takeAfterSpace(":") else { throw .unexpected(offset: position) }
      members.append(JSON.Member(name, try value(depth: depth)))
      if try takeAfterSpace("}") { return members }
      guard try takeAfterSpace(",") else { throw .unexpected(offset: position) }
    }
  }

  private mutating func elements(depth: Int) throws(JSONFault) -> [JSON] {
    var elements: [JSON] = []
    try open(depth: depth)
    if try takeAfterSpace("]") { return elements }
    while true {
      elements.append(try value(depth: depth))
      if try takeAfterSpace("]") { return elements }
      guard try takeAfterSpace(",") else { throw .unexpected(offset: position) }
    }
  }

  private mutating func open(depth: Int) throws(JSONFault) {
    guard depth <= depthLimit else { throw .tooDeep(limit: depthLimit) }
    position += 1
  }

  private mutating func word(_ word: StaticString, _ value: JSON) throws(JSONFault) -> JSON {
    for byte in word.description.utf8 {
      guard try peek() == byte else { throw .unexpected(offset: position) }
      position += 1
    }
    return value
  }

  private mutating func number() throws(JSONFault) -> String {
    let start = position
    take("-")
    if !take("0") { try digits() }
    if take(".") { try digits() }
    if take("e") || take("E") {
      if !take("+") { take("-") }
      try digits()
    }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private mutating func digits() throws(JSONFault) {
    guard Self.isDigit(try peek()) else { throw .unexpected(offset: position) }
    while position < bytes.count, Self.isDigit(bytes[position]) { position += 1 }
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  // MARK: - Strings

  private mutating func string() throws(JSONFault) -> String {
    guard try peek() == UInt8(ascii: "\"") else { throw .unexpected(offset: position) }
    position += 1
    var text: [UInt8] = []
    while true {
      let byte = try peek()
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"):
        position += 1
        text += try escape()
      case 0..<0x20:
        throw .unexpected(offset: position)
      default:
        text.append(byte)
        position += 1
      }
    }
  }

  private mutating func escape() throws(JSONFault) -> [UInt8] {
    let byte = try peek()
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0C]
    case UInt8(ascii: "n"): return [0x0A]
    case UInt8(ascii: "r"): return [0x0D]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"): return Array(String(Character(try scalar())).utf8)
    default: throw .unexpected(offset: position - 1)
    }
  }

  /// Half a surrogate pair alone is no character, so it is no text either.
  private mutating func scalar() throws(JSONFault) -> Unicode.Scalar {
    let start = position
    var code = try codeUnit()
    if UTF16.isLeadSurrogate(UInt16(code)) {
      guard take("\\"), take("u") else { throw .unexpected(offset: position) }
      let trail = try codeUnit()
      guard UTF16.isTrailSurrogate(UInt16(trail)) else { throw .unexpected(offset: start) }
      code = 0x10000 + (code - 0xD800) << 10 + (trail - 0xDC00)
    }
    guard let scalar = Unicode.Scalar(code) else { throw .unexpected(offset: start) }
    return scalar
  }

  private mutating func codeUnit() throws(JSONFault) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      let byte = try peek()
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
        throw .unexpected(offset: position)
      }
      code = code << 4 | UInt32(digit)
      position += 1
    }
    return code
  }

  // MARK: - Bytes

  private func peek() throws(JSONFault) -> UInt8 {
    guard position < bytes.count else { throw .incomplete }
    return bytes[position]
  }

  private mutating func skipSpace() {
    while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) {
      position += 1
    }
  }

  @discardableResult
  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  /// Takes a character that may have white space before it; throws at the text's end.
  private mutating func takeAfterSpace(_ character: Unicode.Scalar) throws(JSONFault) -> Bool {
    skipSpace()
    _ = try peek()
    return take(character)
  }
}
