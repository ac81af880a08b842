/// Reads and writes whole numbers as the store's files hold them.
enum LittleEndian {
  /// The number whose lowest byte stands at `offset`.
  static func load<Number: FixedWidthInteger>(
    _ type: Number.Type,
    from bytes: [UInt8],
    at offset: Int
  ) -> Number {
    let width = Number.bitWidth / 8
    return bytes[offset..<offset + width].reversed().reduce(0) { $0 << 8 | Number($1) }
  }

  /// Puts `number` at `offset`, lowest byte first.
  static func store(_ number: some FixedWidthInteger, in bytes: inout [UInt8], at offset: Int) {
    for index in 0..<number.bitWidth / 8 {
      bytes[offset + index] = UInt8(truncatingIfNeeded: number >> (index * 8))
    }
  }
}
