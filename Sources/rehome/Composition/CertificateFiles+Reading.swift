import API
import Disks
import Foundation
import Model

extension CertificateFiles {
  private static let executor = BlockingExecutor(label: "rehome.certificates", width: 1)

  /// Reads them for the first time.
  func identity() async throws(CommandFailure) -> TLSIdentity {
    let (certificate, key) = try await read()
    do throws(TLSFault) {
      return try TLSIdentity(certificate: certificate, key: key)
    } catch {
      throw failure(error)
    }
  }

  /// Reads them again for the connections from now on; what can't be used changes nothing.
  func replace(_ identity: TLSIdentity) async throws(CommandFailure) {
    let (certificate, key) = try await read()
    do throws(TLSFault) {
      try identity.replace(certificate: certificate, key: key)
    } catch {
      throw failure(error)
    }
  }

  private func read() async throws(CommandFailure) -> (certificate: [UInt8], key: [UInt8]) {
    try await Self.executor.run { () throws(CommandFailure) in
      (try Self.contents(certificatePath), try Self.contents(keyPath))
    }
  }

  private static func contents(_ path: String) throws(CommandFailure) -> [UInt8] {
    do {
      let file = try FileHandle(forReadingFrom: URL(filePath: path))
      defer { try? file.close() }
      let data = try file.read(upToCount: Limits.certificateBytes + 1) ?? Data()
      guard data.count <= Limits.certificateBytes else {
        throw CommandFailure.file(path: path, reason: "it is too large for a certificate or key.")
      }
      return Array(data)
    } catch let failure as CommandFailure {
      throw failure
    } catch {
      throw .file(path: path, reason: "it can't be read.")
    }
  }

  private func failure(_ fault: TLSFault) -> CommandFailure {
    switch fault {
    case .certificate:
      .file(path: certificatePath, reason: "it holds no readable certificate in PEM.")
    case .key: .file(path: keyPath, reason: "it holds no readable private key in PEM.")
    case .pair:
      .file(path: keyPath, reason: "it isn't the key of the certificate in \(certificatePath).")
    }
  }
}
