import API
import Datastore
import Foundation
import Logging
import Model
import Monitoring
import Testing

@testable import rehome

struct SettingsTests {
  /// Reads settings with a configuration file that is removed again.
  private func read(
    _ yaml: String? = nil,
    environment: [String: String] = [:],
    overrides: [String] = []
  ) async throws -> Settings {
    let path = "\(NSTemporaryDirectory())/rehome-settings-\(UUID().uuidString).yaml"
    defer { try? FileManager.default.removeItem(atPath: path) }
    if let yaml { try yaml.write(toFile: path, atomically: true, encoding: .utf8) }
    return try await SettingsReader.read(
      file: yaml == nil ? nil : path,
      environment: environment,
      overrides: overrides
    )
  }

  @Test
  func `without a word everything is as documented`() async throws {
    let settings = try await read()
    #expect(
      settings.api
        == .init(
          host: "127.0.0.1",
          port: 8080,
          typeBase: "https://developer.hostup.se/errors/"
        )
    )
    #expect(settings.worker == .init(isEnabled: true, concurrency: 2, attempts: 3))
    #expect(settings.power == .init(shutdownTimeout: .seconds(60)))
    #expect(
      settings.restore
        == .init(
          strategy: .staged,
          undoWindow: .seconds(86_400),
          shutdownTimeout: .seconds(60),
          confirmTimeout: .seconds(180),
          allowsInPlace: false,
          verification: .readback,
          clonesDisks: true,
          firstBootFiltering: .auto,
          freeReserve: FreeReserve(percent: 10),
          bytesPerSecond: nil,
          ioPriority: .normal
        )
    )
    #expect(
      settings.storage
        == .init(
          dataPath: "/var/lib/rehome",
          datastorePath: "/var/lib/rehome/datastore",
          sync: .filesystem
        )
    )
    #expect(
      settings.care
        == .init(
          collectEvery: .seconds(86_400),
          verifyEvery: .seconds(30 * 86_400),
          verifyBytesPerSecond: 50 << 20
        )
    )
    #expect(settings.node == .init(name: "local", libvirtURI: "qemu:///system"))
    #expect(settings.logLevel == .info)
    #expect(settings.logFormat == .text)
    #expect(settings.metrics == nil)
  }

  @Test
  func `the command line beats the environment, which beats the file`() async throws {
    let file = "api:\n  port: 1\n"
    #expect(try await read(file).api.port == 1)
    #expect(try await read(file, environment: ["REHOME_API_PORT": "2"]).api.port == 2)
    #expect(
      try await read(
        file,
        environment: ["REHOME_API_PORT": "2"],
        overrides: ["api.port=3"]
      ).api.port == 3
    )
  }

  @Test(arguments: ["REHOME_RESTORE_UNDOWINDOW", "REHOME_RESTORE_UNDO_WINDOW"])
  func `a variable may part the words of its key`(_ name: String) async throws {
    #expect(try await read(environment: [name: "5m"]).restore.undoWindow == .seconds(300))
  }

  @Test
  func `no time between two collections or verifications means that none comes by itself`()
    async throws
  {
    let care = try await read("datastore: {collectEvery: 0s, verifyEvery: 0m, verifyRate: none}\n")
      .care
    #expect(care == .init(collectEvery: nil, verifyEvery: nil, verifyBytesPerSecond: nil))
  }

  @Test
  func `metrics listen once they have a port`() async throws {
    #expect(try await read(overrides: ["metrics.host=::1"]).metrics == nil)
    #expect(
      try await read(overrides: ["metrics.port=9464"]).metrics
        == .init(host: "127.0.0.1", port: 9464)
    )
    #expect(
      try await read("metrics:\n  host: 10.0.0.7\n  port: 0\n").metrics
        == .init(host: "10.0.0.7", port: 0)
    )
  }

  @Test
  func `sections and dotted keys say the same`() async throws {
    #expect(try await read("worker.enabled: no\n").worker.isEnabled == false)
    #expect(try await read("worker:\n  enabled: false\n").worker.isEnabled == false)
    #expect(try await read("# nothing\n").worker.isEnabled)
  }

  @Test
  func `the datastore follows the data unless it has a place of its own`() async throws {
    #expect(
      try await read(overrides: ["data.path=/srv/r/"]).storage.datastorePath == "/srv/r/datastore"
    )
    #expect(
      try await read(overrides: ["data.path=/srv/r", "datastore.path=/pbs"]).storage.datastorePath
        == "/pbs"
    )
  }

  @Test
  func `unknown keys are named, all of them`() async throws {
    await #expect {
      try await read("api:\n  hots: x\n  port: 1\nrestor:\n  attempts: 1\n")
    } throws: { error in
      guard case .unknownKeys(let keys, _)? = error as? SettingsFault else { return false }
      return keys == ["api.hots", "restor"]
    }
  }

  @Test(arguments: [
    (SettingKey.apiPort, "65536"), (.apiPort, "x"), (.apiPort, ""), (.workerConcurrency, "0"),
    (.workerEnabled, "perhaps"), (.restoreUndoWindow, "24"), (.restoreUndoWindow, "1w"),
    (.restoreUndoWindow, "-1h"), (.restoreStrategy, "fast"), (.datastoreSync, "some"),
    (.logLevel, "loud"), (.restoreRate, "0"), (.restoreRate, "fast"), (.restoreRate, "-1M"),
    (.logFormat, "xml"), (.metricsPort, "-1"), (.metricsPort, ""),
    (.restoreIOPriority, "high"), (.restoreVerify, "none"), (.restoreClone, "auto"),
    (.restoreFirstBootFilter, "on"), (.restoreFreeReserve, "0"), (.restoreFreeReserve, "10%"),
    (.dataPath, ""),
  ])
  func `a wrong value is told, never replaced`(_ key: SettingKey, _ value: String) async {
    await #expect(throws: SettingsFault.badValue(key: key, value: value)) {
      try await read(overrides: ["\(key.rawValue)=\(value)"])
    }
  }

  @Test(arguments: ["", "x", "api.port", "api.prot=1", "=1"])
  func `an override must name a key and a value`(_ text: String) async {
    await #expect(throws: SettingsFault.badOverride(text)) { try await read(overrides: [text]) }
  }

  @Test(arguments: ["a: [", "- 1\n", "just text"])
  func `a file that holds no keys is refused`(_ yaml: String) async {
    await #expect {
      try await read(yaml)
    } throws: { error in
      guard case .fileUnreadable? = error as? SettingsFault else { return false }
      return true
    }
  }

  @Test
  func `a named file must be there`() async {
    await #expect(throws: SettingsFault.fileMissing(path: "/nowhere.yaml")) {
      try await SettingsReader.read(file: "/nowhere.yaml", environment: [:], overrides: [])
    }
    await #expect(throws: SettingsFault.fileMissing(path: "/nowhere.yaml")) {
      try await SettingsReader.read(
        file: nil,
        environment: ["REHOME_CONFIG": "/nowhere.yaml"],
        overrides: []
      )
    }
  }

  @Test(
    arguments: [
      ("none", nil), ("1", 1), ("200K", 200 << 10), ("50M", 50 << 20), ("2G", 2 << 30),
    ] as [(String, Int64?)]
  )
  func `a rate is bytes a second in powers of 1024`(_ text: String, _ rate: Int64?) async throws {
    #expect(try await read(overrides: ["restore.rate=\(text)"]).restore.bytesPerSecond == rate)
    #expect(try await read(overrides: ["backup.rate=\(text)"]).backup.bytesPerSecond == rate)
  }

  @Test
  func `every default is of its key's own kind`() async throws {
    for key in SettingKey.allCases {
      guard let text = key.defaultText else { continue }
      _ = try await read(overrides: ["\(key.rawValue)=\(text)"])
    }
  }

  @Test
  func `the door to the internet is read whole`() async throws {
    let api = try await read(
      """
      api:
        tls: {certificate: /etc/a.pem, key: b.key}
        trustedProxies: "10.0.0.0/8, 2001:db8::1"
        forwardingHeader: forwarded
        maxConnections: 7
        maxConnectionsPerAddress: 3
        headTimeout: 3s
      limits:
        read: {rate: 100, burst: 10}
      """,
      environment: ["REHOME_LIMITS_ADDRESS_BURST": "5"]
    ).api
    let directory = FileManager.default.currentDirectoryPath
    #expect(
      api.tls
        == CertificateFiles(certificatePath: "/etc/a.pem", keyPath: "\(directory)/b.key")
    )
    #expect(api.trustedProxies.map(\.description) == ["10.0.0.0/8", "2001:db8::1"])
    #expect(api.forwardingHeader == .forwarded)
    #expect(
      api.connections == ConnectionLimits(maximum: 7, maximumPerAddress: 3, head: .seconds(3))
    )
    var rates = RateLimits(read: RateLimit(perMinute: 100, burst: 10))
    rates.address.burst = 5
    #expect(api.rates == rates)
  }

  @Test(arguments: [
    "api.tls.certificate=/etc/a.pem", "api.tls.key=/etc/a.key", "api.trustedProxies=10.0.0.1/8",
    "api.trustedProxies=localhost", "api.forwardingHeader=via", "limits.read.rate=0",
    "api.headTimeout=soon",
  ])
  func `half a certificate and other slips are told`(_ setting: String) async throws {
    await #expect(throws: SettingsFault.self) { try await read(overrides: [setting]) }
  }
}
