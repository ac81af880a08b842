import API
import Logging
import ServiceLifecycle
import UnixSignals

/// Reads what may change while a server runs again at every `SIGHUP`: the node's limits from the
/// configuration, and the certificate and key, without dropping a connection or a job.
///
/// It listens for the signal even when there is nothing to read, for whoever sends it doesn't mean
/// to end the server.
struct HangupReload: Service {
  /// How long files may take to answer before what they held is kept.
  private static let patience = Duration.seconds(5)

  /// When the configuration is read again, and from where.
  struct Source: Sendable {
    /// The signals, trapped since before anything else began.
    let signals: UnixSignalsSequence
    /// Where the configuration file is; nil: there is none.
    let file: String?
    /// The configuration as it is now.
    let settings: @Sendable () async throws(CommandFailure) -> Settings
  }

  /// What is read again.
  let source: Source
  /// The limits of the node's worker; nil: there is none here.
  let limits: NodeLimits?
  /// Where the certificate and key are; nil: connections aren't encrypted.
  let files: CertificateFiles?
  /// What takes them.
  let identity: TLSIdentity?
  /// Where it is told what became of it.
  let logger: Logger

  func run() async throws {
    for await _ in source.signals.cancelOnGracefulShutdown() {
      if limits == nil, identity == nil {
        logger.notice("nothing to read again", metadata: ["signal": "SIGHUP"])
      }
      await reloadLimits()
      await reloadCertificate()
    }
  }

  private func reloadLimits() async {
    guard let limits else { return }
    do throws(CommandFailure) {
      try await requireAnswers(from: [source.file].compactMap { $0 })
      limits.apply(try await source.settings())
      logger.notice("limits read again", metadata: ["limits": "\(limits.words)"])
    } catch {
      logger.error("limits kept", metadata: ["reason": "\(error.sentence)"])
    }
  }

  private func reloadCertificate() async {
    guard let files, let identity else { return }
    do throws(CommandFailure) {
      try await requireAnswers(from: [files.certificatePath, files.keyPath])
      try await files.replace(identity)
      logger.notice("certificate read again", metadata: ["path": "\(files.certificatePath)"])
    } catch {
      logger.error("certificate kept", metadata: ["reason": "\(error.sentence)"])
    }
  }

  /// The server's end waits for what is done here, which a file system that hangs would keep for ever.
  private func requireAnswers(from paths: [String]) async throws(CommandFailure) {
    guard await FileProbe.answer(paths, within: Self.patience) else {
      throw .file(
        path: paths.joined(separator: ", "),
        reason: "nothing answered in \(Self.patience.components.seconds) s."
      )
    }
  }
}
