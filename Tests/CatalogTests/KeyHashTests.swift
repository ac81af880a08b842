import Catalog
import Model
import Testing

struct KeyHashTests {
  @Test func `a hash is the SHA-256 of the whole text`() {
    // The first test vector of FIPS 180-2.
    let expected =
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    let text = KeyHash.of(Secret("abc")).map { String(UInt16($0) + 256, radix: 16).dropFirst() }
      .joined()
    #expect(text == expected)
  }

  @Test func `only equal hashes match`() {
    let hash = KeyHash.of(Secret("key"))
    #expect(KeyHash.matches(hash, KeyHash.of(Secret("key"))))
    #expect(!KeyHash.matches(hash, KeyHash.of(Secret("Key"))))
    #expect(!KeyHash.matches(hash, Array(hash.dropLast())))
    #expect(!KeyHash.matches(hash, []))
    for place in [0, 15, 31] {
      var other = hash
      other[place] ^= 1
      #expect(!KeyHash.matches(hash, other))
    }
  }
}
