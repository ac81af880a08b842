import API
import Configuration
import Datastore
import Foundation
import Logging
import Model

/// Reads the configuration: the YAML file, over it the environment, over both the command line.
struct SettingsReader {
  /// Where the file is looked for when nobody names one; that it isn't there is fine.
  static let usualPath = "/etc/rehome/rehome.yaml"

  private static let fileVariable = "REHOME_CONFIG"
  /// Names the moment, such as `before-exchange`, at which a debug build ends in the crash tests.
  static let crashVariable = "REHOME_TEST_KILL_AT"

  private let values: ConfigReader

  /// Reads everything there is to read.
  static func read(
    file named: String?,
    environment: [String: String],
    overrides: [String]
  ) async throws(SettingsFault) -> Settings {
    var providers: [any ConfigProvider] = [
      InMemoryProvider(name: "command line", values: try parse(overrides)),
      EnvironmentVariablesProvider(environmentVariables: variables(environment))
        .prefixKeys(with: "rehome"),
    ]
    let path = try file(named ?? environment[fileVariable])
    // The library takes a file without any key for a broken one.
    if let path, try SettingsFile.holdsKnownKeys(path) {
      providers.append(try await provider(of: path))
    }
    var settings = try SettingsReader(values: ConfigReader(providers: providers)).settings()
    settings.file = path
    settings.unknownVariables = unknownVariables(environment)
    return settings
  }

  // MARK: - Sources

  private static func parse(
    _ overrides: [String]
  ) throws(SettingsFault) -> [AbsoluteConfigKey: ConfigValue] {
    var values: [AbsoluteConfigKey: ConfigValue] = [:]
    for text in overrides {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, let key = SettingKey(rawValue: String(parts[0])) else {
        throw .badOverride(text)
      }
      values[AbsoluteConfigKey(ConfigKey(key.rawValue))] = ConfigValue(
        .string(String(parts[1])),
        isSecret: false
      )
    }
    return values
  }

  /// Our variables alone, in the spelling that the library looks for.
  private static func variables(_ environment: [String: String]) -> [String: String] {
    var found: [String: String] = [:]
    for key in SettingKey.allCases {
      found[key.partedVariable] = environment[key.variable] ?? environment[key.partedVariable]
    }
    return found
  }

  /// The variables that look like ours and set nothing: a slip of somebody who meant a setting, or
  /// another program's, so they are told and not refused.
  private static func unknownVariables(_ environment: [String: String]) -> [String] {
    let known = Set(SettingKey.allCases.flatMap { [$0.variable, $0.partedVariable] })
      .union([fileVariable, crashVariable])
    return environment.keys
      .filter { $0.hasPrefix("REHOME_") && !known.contains($0) }
      .sorted()
  }

  private static func file(_ named: String?) throws(SettingsFault) -> String? {
    if let named {
      guard FileManager.default.fileExists(atPath: named) else { throw .fileMissing(path: named) }
      return named
    }
    return FileManager.default.fileExists(atPath: usualPath) ? usualPath : nil
  }

  private static func provider(
    of path: String
  ) async throws(SettingsFault) -> any ConfigProvider {
    do {
      // The library's own path type is of a package that isn't ours to name.
      let place = ConfigReader(
        provider: InMemoryProvider(values: [
          "filePath": ConfigValue(.string(path), isSecret: false)
        ])
      )
      return try await FileProvider<YAMLSnapshot>(config: place)
    } catch {
      throw .fileUnreadable(path: path, reason: "\(error)".replacing("\n", with: " "))
    }
  }

  // MARK: - Values

  private func settings() throws(SettingsFault) -> Settings {
    let dataPath = try path(.dataPath)
    return Settings(
      api: try api(),
      worker: Settings.Worker(
        isEnabled: try truth(.workerEnabled),
        concurrency: try number(.workerConcurrency),
        attempts: try number(.restoreAttempts)
      ),
      power: Settings.Power(shutdownTimeout: try duration(.powerShutdownTimeout)),
      backup: Settings.Backup(
        bytesPerSecond: try rate(.backupRate),
        ioPriority: try choice(.backupIOPriority)
      ),
      restore: Settings.Restore(
        strategy: try choice(.restoreStrategy),
        undoWindow: try duration(.restoreUndoWindow),
        shutdownTimeout: try duration(.restoreShutdownTimeout),
        confirmTimeout: try duration(.restoreConfirmTimeout),
        allowsInPlace: try truth(.restoreAllowInPlace),
        verification: try choice(.restoreVerify),
        clonesDisks: try truth(.restoreClone),
        firstBootFiltering: try choice(.restoreFirstBootFilter),
        freeReserve: FreeReserve(percent: try number(.restoreFreeReserve)),
        bytesPerSecond: try rate(.restoreRate),
        ioPriority: try choice(.restoreIOPriority)
      ),
      storage: Settings.Storage(
        dataPath: dataPath,
        datastorePath: value(.datastorePath) == nil
          ? "\(dataPath)/datastore" : try path(.datastorePath),
        sync: try choice(.datastoreSync)
      ),
      care: Settings.Care(
        collectEvery: try interval(.datastoreCollectEvery),
        verifyEvery: try interval(.datastoreVerifyEvery),
        verifyBytesPerSecond: try rate(.datastoreVerifyRate)
      ),
      node: Settings.Node(name: try text(.nodeName), libvirtURI: try text(.libvirtURI)),
      logLevel: try choice(.logLevel),
      logFormat: try choice(.logFormat),
      metrics: value(.metricsPort) == nil
        ? nil
        : Settings.Metrics(host: try text(.metricsHost), port: try number(.metricsPort))
    )
  }

  private func api() throws(SettingsFault) -> Settings.API {
    Settings.API(
      host: try text(.apiHost),
      port: try number(.apiPort),
      typeBase: try text(.problemsTypeBase),
      tls: try certificateFiles(),
      connections: ConnectionLimits(
        maximum: try number(.apiMaxConnections),
        maximumPerAddress: try number(.apiMaxConnectionsPerAddress),
        idle: try duration(.apiIdleTimeout),
        head: try duration(.apiHeadTimeout),
        body: try duration(.apiBodyTimeout),
        drain: try duration(.apiDrainTimeout)
      ),
      rates: RateLimits(
        read: try rate(.limitsReadRate, .limitsReadBurst),
        write: try rate(.limitsWriteRate, .limitsWriteBurst),
        power: try rate(.limitsPowerRate, .limitsPowerBurst),
        address: try rate(.limitsAddressRate, .limitsAddressBurst)
      ),
      trustedProxies: try networks(.apiTrustedProxies),
      forwardingHeader: try choice(.apiForwardingHeader)
    )
  }

  /// Both or neither: one alone is a server that isn't encrypted although somebody meant it to be.
  private func certificateFiles() throws(SettingsFault) -> CertificateFiles? {
    guard value(.apiTLSCertificate) != nil || value(.apiTLSKey) != nil else { return nil }
    return CertificateFiles(
      certificatePath: try path(.apiTLSCertificate),
      keyPath: try path(.apiTLSKey)
    )
  }

  private func rate(
    _ perMinute: SettingKey,
    _ burst: SettingKey
  ) throws(SettingsFault) -> RateLimit {
    RateLimit(perMinute: try number(perMinute), burst: try number(burst))
  }

  private func networks(_ key: SettingKey) throws(SettingsFault) -> [AddressRange] {
    var ranges: [AddressRange] = []
    for part in (value(key) ?? "").split(separator: ",") {
      let text = part.trimmingCharacters(in: .whitespaces)
      guard let range = AddressRange(text) else { throw .badValue(key: key, value: text) }
      ranges.append(range)
    }
    return ranges
  }

  /// The text of a key, wherever it stands; every kind of value is read as text and checked here,
  /// so that a wrong one is told and never replaced by the default.
  private func value(_ key: SettingKey) -> String? {
    values.string(forKey: ConfigKey(key.rawValue)) ?? key.defaultText
  }

  private func text(_ key: SettingKey) throws(SettingsFault) -> String {
    let text = value(key) ?? ""
    guard !text.isEmpty else { throw .badValue(key: key, value: text) }
    return text
  }

  /// Seeds and sockets are named to libvirt, which knows nothing of our working directory.
  private func path(_ key: SettingKey) throws(SettingsFault) -> String {
    var path = try text(key)
    if !path.hasPrefix("/") { path = "\(FileManager.default.currentDirectoryPath)/\(path)" }
    return URL(filePath: path).standardized.path(percentEncoded: false).trimmingSlashes
  }

  private func number(_ key: SettingKey) throws(SettingsFault) -> Int {
    let text = try text(key)
    guard case .number(let range) = key.kind, let number = Int(text), range.contains(number) else {
      throw .badValue(key: key, value: text)
    }
    return number
  }

  private func truth(_ key: SettingKey) throws(SettingsFault) -> Bool {
    let text = try text(key)
    switch text.lowercased() {
    case "true", "yes", "on", "1": return true
    case "false", "no", "off", "0": return false
    default: throw .badValue(key: key, value: text)
    }
  }

  private func duration(_ key: SettingKey) throws(SettingsFault) -> Duration {
    let text = try text(key)
    guard let duration = DurationText.parse(text) else { throw .badValue(key: key, value: text) }
    return duration
  }

  /// How far apart things are; nil, written as no time at all: they don't come.
  private func interval(_ key: SettingKey) throws(SettingsFault) -> Duration? {
    let duration = try duration(key)
    return duration == .zero ? nil : duration
  }

  /// Bytes a second; nil: no bound.
  private func rate(_ key: SettingKey) throws(SettingsFault) -> Int64? {
    let text = try text(key)
    guard let rate = RateText.parse(text) else { throw .badValue(key: key, value: text) }
    return rate.bound
  }

  private func choice<Value: RawRepresentable<String>>(
    _ key: SettingKey
  ) throws(SettingsFault) -> Value {
    let text = try text(key)
    guard let value = Value(rawValue: text) else { throw .badValue(key: key, value: text) }
    return value
  }
}

extension String {
  /// The same path without slashes at its end.
  fileprivate var trimmingSlashes: String {
    var path = self
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    return path
  }
}
