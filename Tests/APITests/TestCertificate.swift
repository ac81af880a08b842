import API
import Foundation
import TestSupport

/// A certificate for 127.0.0.1 that nobody but a test trusts.
struct TestCertificate: Sendable {
  let certificatePath: String
  let keyPath: String

  var certificate: [UInt8] { Self.bytes(certificatePath) }
  var key: [UInt8] { Self.bytes(keyPath) }

  /// Makes one in a test's own directory.
  init(_ name: String) async throws {
    certificatePath = "\(ScratchDirectory.path)/\(name).pem"
    keyPath = "\(ScratchDirectory.path)/\(name).key"
    try await TestProcess.run(
      "openssl",
      [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
        "2", "-subj", "/CN=\(name)", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", keyPath,
        "-out", certificatePath,
      ]
    )
  }

  func identity() throws -> TLSIdentity {
    try TLSIdentity(certificate: certificate, key: key)
  }

  private static func bytes(_ path: String) -> [UInt8] {
    Array(FileManager.default.contents(atPath: path) ?? Data())
  }
}

/// Asks with curl, as most clients do first.
struct Curl: Sendable {
  let certificate: TestCertificate
  let port: Int

  /// What curl prints: the version of HTTP and the status, then the headers and the body.
  func ask(_ path: String, _ arguments: [String] = []) async throws -> String {
    try await TestProcess.run(
      "curl",
      [
        "-sS", "-i", "--max-time", "60", "--cacert", certificate.certificatePath, "-w",
        "\n%{http_version} %{http_code}",
      ] + arguments + ["https://127.0.0.1:\(port)\(path)"]
    )
  }
}
