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

  /// Begins a backup as the XML describes it.
  package func beginBackup(xml: String) throws(LibvirtError) {
    try unsafe LibvirtError.check(
      virDomainBackupBegin(pointer, xml, nil, 0),
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

  /// The names of the domain's checkpoints.
  package func checkpointNames() throws(LibvirtError) -> [String] {
    var list: UnsafeMutablePointer<virDomainCheckpointPtr?>?
    let count = try unsafe LibvirtError.check(
      virDomainListAllCheckpoints(pointer, &list, 0),
      "virDomainListAllCheckpoints"
    )
    guard let list = unsafe list else { return [] }
    defer { unsafe free(list) }
    var names: [String] = []
    for index in 0..<Int(count) {
      guard let checkpoint = unsafe list[index] else { continue }
      if let name = unsafe virDomainCheckpointGetName(checkpoint) {
        unsafe names.append(String(cString: name))
      }
      unsafe virDomainCheckpointFree(checkpoint)
    }
    return names
  }

  /// Makes libvirt forget one checkpoint and leaves the disk's bitmaps alone.
  package func forgetCheckpoint(named name: String) throws(LibvirtError) {
    let checkpoint = try unsafe LibvirtError.check(
      virDomainCheckpointLookupByName(pointer, name, 0),
      "virDomainCheckpointLookupByName"
    )
    defer { unsafe virDomainCheckpointFree(checkpoint) }
    try unsafe LibvirtError.check(
      virDomainCheckpointDelete(
        checkpoint,
        VIR_DOMAIN_CHECKPOINT_DELETE_METADATA_ONLY.rawValue
      ),
      "virDomainCheckpointDelete"
    )
  }
}
