/// Where the API's certificate and key are.
struct CertificateFiles: Sendable, Equatable {
  /// The certificate and its chain in PEM.
  var certificatePath: String
  /// The certificate's private key in PEM.
  var keyPath: String
}
