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
  /// The configuration as it is now.
  let settings: @Sendable () async throws(CommandFailure) -> Settings
  /// The limits of the node's worker; nil: there is none here.
  let limits: NodeLimits?
  /// Where the certificate and key are; nil: connections aren't encrypted.
  let files: CertificateFiles?
  /// What takes them.
  let identity: TLSIdentity?
  /// Where it is told what became of it.
  let logger: Logger

  func run() async throws {
    let signals = await UnixSignalsSequence(trapping: .sighup)
    for await _ in signals.cancelOnGracefulShutdown() {
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
      limits.apply(try await settings())
      logger.notice("limits read again", metadata: ["limits": "\(limits.words)"])
    } catch {
      logger.error("limits kept", metadata: ["reason": "\(error.sentence)"])
    }
  }

  private func reloadCertificate() async {
    guard let files, let identity else { return }
    do throws(CommandFailure) {
      try await files.replace(identity)
      logger.notice("certificate read again", metadata: ["path": "\(files.certificatePath)"])
    } catch {
      logger.error("certificate kept", metadata: ["reason": "\(error.sentence)"])
    }
  }
}
