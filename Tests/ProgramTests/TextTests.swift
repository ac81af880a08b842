import Model
import Testing

@testable import rehome

struct TextTests {
  @Test(arguments: [
    ("0s", Duration.zero), ("60s", .seconds(60)), ("5m", .seconds(300)), ("24h", .seconds(86_400)),
    ("90d", .seconds(7_776_000)),
  ])
  func `durations are read`(_ text: String, _ expected: Duration) {
    #expect(DurationText.parse(text) == expected)
  }

  @Test(arguments: ["", "s", "60", "1w", "-1s", "+1s", "1.5h", " 1s", "1s ", "9999999999999999h"])
  func `other texts are no durations`(_ text: String) {
    #expect(DurationText.parse(text) == nil)
  }

  @Test(arguments: [
    (Int64(0), "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1536, "1.5 KiB"),
    (268_435_456, "256 MiB"), (61_656_268, "58.8 MiB"), (1 << 40, "1 TiB"), (-1, "0 B"),
    (1_073_741_823, "1024 MiB"),
  ])
  func `sizes are short`(_ bytes: Int64, _ expected: String) {
    #expect(ByteText.of(bytes) == expected)
  }

  @Test
  func `a table lines up, and nothing in it moves the cursor`() {
    var table = Table("NAME", "SIZE>")
    table.add("a", "1 B")
    table.add("long\u{1B}[2Jer", nil)
    #expect(
      table.text(whenEmpty: "") == """
        NAME        SIZE
        a            1 B
        long?[2Jer     -
        """
    )
    #expect(Table("NAME").text(whenEmpty: "Nothing.") == "Nothing.")
  }

  @Test
  func `a bar says percent, step, rate and time left, in this order`() {
    let factory = IdentifierFactory(clock: SystemWallClock())
    let job = Job(
      id: factory.make(),
      clientID: factory.make(),
      vpsID: factory.make(),
      node: "local",
      task: .backup(BackupTask(backupID: factory.make())),
      state: .running,
      progress: JobProgress(
        step: "stage",
        bytesDone: 1 << 20,
        bytesTotal: 3 << 20,
        bytesPerSecond: 1 << 20,
        percent: 50
      ),
      createdAt: Timestamp(seconds: 0)
    )
    #expect(
      ProgressText.bar(job)
        == "[############............]  50 %  stage  1 MiB of 3 MiB  1 MiB/s  0:02 left"
    )
    #expect(ProgressText.line(job) == "50 %  stage  1 MiB of 3 MiB  1 MiB/s  0:02 left")
  }

  @Test
  func `JSON keeps absent members as null and sorts them`() {
    let value: JSONValue = ["b": JSONValue(nil as String?), "a": .list([.integer(1), .text("/")])]
    #expect(value.text(indented: false) == #"{"a":[1,"/"],"b":null}"#)
  }
}
