import CLibvirt
import Glibc

/// What libvirt said when a call failed.
package struct LibvirtError: Error, Sendable, CustomStringConvertible {
  /// The kind of failure, an open set: newer libraries know more codes than we do.
  package struct Code: RawRepresentable, Hashable, Sendable {
    package let rawValue: Int32

    /// Makes a code of the number that libvirt uses for it.
    package init(rawValue: Int32) {
      self.rawValue = rawValue
    }

    private init(_ number: virErrorNumber) {
      rawValue = Int32(bitPattern: number.rawValue)
    }

    // Of libvirt 11.2 and later; older headers don't have its name.
    package static let agentCommandTimeout = Code(rawValue: 112)
    package static let agentUnresponsive = Code(VIR_ERR_AGENT_UNRESPONSIVE)
    package static let agentUnsynchronized = Code(VIR_ERR_AGENT_UNSYNCED)
    package static let argumentUnsupported = Code(VIR_ERR_ARGUMENT_UNSUPPORTED)
    package static let internalError = Code(VIR_ERR_INTERNAL_ERROR)
    package static let invalidArgument = Code(VIR_ERR_INVALID_ARG)
    package static let invalidConnection = Code(VIR_ERR_INVALID_CONN)
    package static let noConnection = Code(VIR_ERR_NO_CONNECT)
    package static let checkpointInconsistent = Code(VIR_ERR_CHECKPOINT_INCONSISTENT)
    package static let noDomain = Code(VIR_ERR_NO_DOMAIN)
    package static let noDomainBackup = Code(VIR_ERR_NO_DOMAIN_BACKUP)
    package static let noDomainCheckpoint = Code(VIR_ERR_NO_DOMAIN_CHECKPOINT)
    package static let noFilter = Code(VIR_ERR_NO_NWFILTER)
    package static let noStoragePool = Code(VIR_ERR_NO_STORAGE_POOL)
    package static let noStorageVolume = Code(VIR_ERR_NO_STORAGE_VOL)
    package static let noSupport = Code(VIR_ERR_NO_SUPPORT)
    package static let operationFailed = Code(VIR_ERR_OPERATION_FAILED)
    package static let operationInvalid = Code(VIR_ERR_OPERATION_INVALID)
    package static let operationTimeout = Code(VIR_ERR_OPERATION_TIMEOUT)
    package static let operationUnsupported = Code(VIR_ERR_OPERATION_UNSUPPORTED)
    package static let xmlError = Code(VIR_ERR_XML_ERROR)
  }

  /// The kind of failure.
  package let code: Code
  /// The part of libvirt that failed, by its number.
  package let domain: Int32
  /// The library's own words, for people only.
  package let message: String
  /// The function that failed.
  package let operation: String

  /// Whether the way to the daemon failed, not the daemon.
  package var isOfTransport: Bool { domain == Int32(bitPattern: VIR_FROM_RPC.rawValue) }

  /// One line for a log.
  package var description: String { "\(operation): \(message) (\(code.rawValue))" }
}

extension LibvirtError {
  /// Takes the last error of this thread, which must be the thread of the failed call.
  static func last(_ operation: String) -> LibvirtError {
    guard let error = unsafe virGetLastError() else {
      return LibvirtError(
        code: Code(rawValue: 0),
        domain: 0,
        message: "failed without saying why",
        operation: operation
      )
    }
    let message = unsafe error.pointee.message.map { unsafe String(cString: $0) }
    return unsafe LibvirtError(
      code: Code(rawValue: error.pointee.code),
      domain: error.pointee.domain,
      message: message ?? "failed without saying why",
      operation: operation
    )
  }

  /// Throws the thread's last error if `result` is negative, as libvirt marks a failure.
  @discardableResult
  static func check(_ result: CInt, _ operation: String) throws(LibvirtError) -> CInt {
    guard result >= 0 else { throw last(operation) }
    return result
  }

  /// Throws the thread's last error if a call that makes something returned nothing.
  static func check(_ pointer: OpaquePointer?, _ operation: String) throws(LibvirtError)
    -> OpaquePointer
  {
    guard let pointer = unsafe pointer else { throw last(operation) }
    return unsafe pointer
  }

  /// Takes over a string that libvirt allocated, or throws the thread's last error.
  static func check(_ string: UnsafeMutablePointer<CChar>?, _ operation: String)
    throws(LibvirtError) -> String
  {
    guard let string = unsafe string else { throw last(operation) }
    defer { unsafe free(string) }
    return unsafe String(cString: string)
  }
}
