import CLibvirt
import Glibc

extension Domain {
  /// What a domain-wide job does, an open set.
  package struct JobOperation: RawRepresentable, Hashable, Sendable {
    package let rawValue: Int32

    /// Makes an operation of the number that libvirt uses for it.
    package init(rawValue: Int32) {
      self.rawValue = rawValue
    }

    private init(_ operation: virDomainJobOperation) {
      rawValue = Int32(bitPattern: operation.rawValue)
    }

    package static let unknown = JobOperation(VIR_DOMAIN_JOB_OPERATION_UNKNOWN)
    package static let migrationIn = JobOperation(VIR_DOMAIN_JOB_OPERATION_MIGRATION_IN)
    package static let migrationOut = JobOperation(VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT)
    package static let backup = JobOperation(VIR_DOMAIN_JOB_OPERATION_BACKUP)
  }

  /// The domain-wide job that runs now; nil if none does.
  package func job() throws(LibvirtError) -> JobOperation? {
    var type: CInt = 0
    var parameters: virTypedParameterPtr?
    var count: CInt = 0
    try unsafe LibvirtError.check(
      virDomainGetJobStats(pointer, &type, &parameters, &count, 0),
      "virDomainGetJobStats"
    )
    defer { unsafe virTypedParamsFree(parameters, count) }
    guard type != CInt(bitPattern: VIR_DOMAIN_JOB_NONE.rawValue) else { return nil }
    var operation: CInt = 0
    let found = unsafe virTypedParamsGetInt(
      parameters,
      count,
      VIR_DOMAIN_JOB_OPERATION,
      &operation
    )
    return found == 1 ? JobOperation(rawValue: operation) : .unknown
  }

  /// Ends the domain-wide job; a backup job's socket and scratch files go with it.
  package func abortJob() throws(LibvirtError) {
    try unsafe LibvirtError.check(virDomainAbortJob(pointer), "virDomainAbortJob")
  }

  /// Whether a block job (copy, commit, pull, backup) works on one disk.
  package func hasBlockJob(on device: String) throws(LibvirtError) -> Bool {
    var information = virDomainBlockJobInfo()
    return try unsafe LibvirtError.check(
      virDomainGetBlockJobInfo(pointer, device, &information, 0),
      "virDomainGetBlockJobInfo"
    ) == 1
  }

  /// Begins a backup as the XML describes it, and with it a checkpoint of the same moment if there
  /// is XML for one.
  package func beginBackup(xml: String, checkpointXML: String?) throws(LibvirtError) {
    try unsafe LibvirtError.check(
      virDomainBackupBegin(pointer, xml, checkpointXML, 0),
      "virDomainBackupBegin"
    )
  }

  /// The XML of the backup that runs now; nil if none does.
  package func backupXML() throws(LibvirtError) -> String? {
    do throws(LibvirtError) {
      return try unsafe LibvirtError.check(
        virDomainBackupGetXMLDesc(pointer, 0),
        "virDomainBackupGetXMLDesc"
      )
    } catch {
      guard error.code == .noDomainBackup else { throw error }
      return nil
    }
  }
}
