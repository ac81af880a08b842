import API
import Logging
import ServiceLifecycle
import UnixSignals

/// Reads the certificate and key again at every `SIGHUP`, without dropping a connection.
///
/// It listens for the signal even when there is nothing to read, for whoever sends it doesn't mean
/// to end the server.
struct HangupReload: Service {
  /// Where they are; nil: connections aren't encrypted.
  let files: CertificateFiles?
  /// What takes them.
  let identity: TLSIdentity?
  /// Where it is told what became of it.
  let logger: Logger

  func run() async throws {
    let signals = await UnixSignalsSequence(trapping: .sighup)
    for await _ in signals.cancelOnGracefulShutdown() { await reload() }
  }

  private func reload() async {
    guard let files, let identity else {
      logger.notice("nothing to read again", metadata: ["signal": "SIGHUP"])
      return
    }
    do throws(CommandFailure) {
      try await files.replace(identity)
      logger.notice("certificate read again", metadata: ["path": "\(files.certificatePath)"])
    } catch {
      logger.error("certificate kept", metadata: ["reason": "\(error.sentence)"])
    }
  }
}
