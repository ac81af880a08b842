import Datastore
import Monitoring
import Testing

/// What a store counts.
struct FigureTests {
  @Test func `Chunks are counted as they are stored, read, and found bad`() async throws {
    try await withScratch { root in
      let test = try TestStore(root: root)
      func count(_ series: String) -> Int? {
        ExpositionText.of(test.registry.families()).split(separator: "\n")
          .first { $0.hasPrefix(series + " ") }
          .flatMap { $0.split(separator: " ").last }.flatMap { Int($0) }
      }
      let plain = noise(1 << 16)
      let stored = "rehome_datastore_chunks_stored_total"
      _ = try await test.backUp(plain)
      #expect(count("\(stored){outcome=\"new\"}") == 1)
      #expect(try #require(count("rehome_datastore_written_bytes_total")) > 1 << 16)
      let second = try await test.backUp(plain)
      #expect(count("\(stored){outcome=\"reused\"}") == 1)
      _ = try await test.backUp([UInt8](repeating: 0, count: 1 << 16))
      #expect(count("\(stored){outcome=\"zero\"}") == 1)
      _ = try await test.restore(second.path)
      #expect(count("rehome_datastore_chunks_read_total") == 1)
      #expect(count("rehome_datastore_read_bytes_total") == 1 << 16)
      #expect(count("rehome_datastore_chunks_bad_total") == 0)
      try test.flip(test.file(of: digest(plain)), at: 100)
      await #expect(throws: DatastoreError.self) { try await test.restore(second.path) }
      #expect(count("rehome_datastore_chunks_bad_total") == 1)
      #expect(count("rehome_datastore_chunks_read_total") == 1)
    }
  }
}
