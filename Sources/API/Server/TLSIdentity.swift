import NIOSSL
import Synchronization

/// Why a certificate and its key can't be used.
package enum TLSFault: Error, Sendable, Equatable {
  /// The file holds no certificate in PEM, or one that can't be read.
  case certificate(reason: String)
  /// The file holds no private key in PEM, or one that can't be read.
  case key(reason: String)
  /// They don't belong together, or nobody would accept them.
  case pair(reason: String)
}

/// The server's certificate and key; they can be replaced while connections are open, which keep
/// the ones they began with.
package final class TLSIdentity: Sendable {
  private let current: Mutex<NIOSSLContext>

  /// Takes a chain of certificates and the first one's key, both in PEM.
  package init(certificate: [UInt8], key: [UInt8]) throws(TLSFault) {
    current = Mutex(try Self.context(certificate, key))
  }

  /// Takes others for the connections from now on; those that can't be used change nothing.
  package func replace(certificate: [UInt8], key: [UInt8]) throws(TLSFault) {
    let context = try Self.context(certificate, key)
    current.withLock { $0 = context }
  }

  /// What a new connection uses.
  var context: NIOSSLContext { current.withLock { $0 } }

  private static func context(
    _ certificate: [UInt8],
    _ key: [UInt8]
  ) throws(TLSFault) -> NIOSSLContext {
    let chain: [NIOSSLCertificate]
    do {
      chain = try NIOSSLCertificate.fromPEMBytes(certificate)
    } catch {
      throw .certificate(reason: "\(error)")
    }
    let privateKey: NIOSSLPrivateKey
    do {
      privateKey = try NIOSSLPrivateKey(bytes: key, format: .pem)
    } catch {
      throw .key(reason: "\(error)")
    }
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: chain.map { .certificate($0) },
      privateKey: .privateKey(privateKey)
    )
    configuration.minimumTLSVersion = .tlsv12
    configuration.applicationProtocols = ["h2", "http/1.1"]
    do {
      return try NIOSSLContext(configuration: configuration)
    } catch {
      throw .pair(reason: "\(error)")
    }
  }
}
