import Catalog
import Datastore
import Disks
import Hypervisor
import Jobs
import Model

/// Why a step ended without succeeding.
enum StepStop: Error {
  /// It failed.
  case failure(JobFailure)
  /// The backup's own data is bad: it fails, and the backup is marked.
  case damage(JobFailure)
  /// The job's owner wants it to end.
  case cancelled
  /// The lease is gone, or the catalog is: nothing more may be done.
  case interrupted(JobInterruption)

  static func because(
    _ code: JobFailureCode,
    _ detail: String,
    isTransient: Bool = false
  ) -> StepStop {
    .failure(JobFailure(code: code, detail: detail, isTransient: isTransient))
  }

  /// Files that aren't as the journal says: hands off.
  static func operatorNeeded(_ detail: String) -> StepStop {
    .failure(JobFailure(code: .internalError, detail: detail, left: .needsOperator))
  }
}

extension StepStop {
  init(_ error: HypervisorError) {
    switch error {
    case .unavailable, .timedOut, .agentUnavailable:
      self = .because(
        .hypervisorUnavailable,
        "The hypervisor did not answer.",
        isTransient: true
      )
    case .domainMissing:
      self = .because(.vpsNotReady, NotReadyReason.domainMissing.sentence)
    case .refused(let operation, _):
      self = .because(.internalError, "The hypervisor refused to \(operation).")
    case .invalidXML:
      self = .because(.internalError, "The machine's definition can't be read.")
    }
  }

  init(_ error: DiskError) {
    switch error {
    case .outOfSpace:
      self = .because(.hostStorageFull, "The host's storage is full.")
    case .locked:
      // A tool that looks at an image lets go of it again, and a restore may be half done.
      self = .because(
        .vpsNotReady,
        "Somebody else has the target's disk open.",
        isTransient: true
      )
    case .hostile(let reason):
      self = .because(.vpsNotReady, "A disk image asks for what is never opened: \(reason).")
    case .unsupported:
      self = .because(.invalidRequest, "The target's storage can't exchange disks.")
    case .stampMismatch:
      self = .operatorNeeded("A disk's file isn't the one that the journal names.")
    case .notFound:
      self = .operatorNeeded("A disk's file isn't where the journal says.")
    case .io(let operation, _, let number):
      self = .because(.internalError, "A disk failed: \(operation), error \(number).")
    case .tool(let name, _):
      self = .because(.internalError, "\(name) failed on a disk.")
    case .serverEnded(let name, _):
      // Whatever has ended it: what it had written is compared, and the rest written, by the next.
      self = .because(.internalError, "\(name) ended while it was needed.", isTransient: true)
    case .closed:
      self = .because(.internalError, "A disk's server ended early.")
    }
  }

  init(_ error: DatastoreError) {
    switch error {
    case .outOfSpace:
      self = .because(.hostStorageFull, "The datastore's file system is full.")
    case .encrypted, .chunkEncrypted:
      self = .because(
        .backupDamaged,
        "The backup is encrypted with a key that this installation doesn't have."
      )
    case .snapshotNotFound, .chunkMissing, .chunkCorrupt, .blobCorrupt, .indexCorrupt,
      .manifestCorrupt:
      self = .damage(JobFailure(code: .backupDamaged, detail: Self.sentence(error)))
    case .busy:
      self = .because(.internalError, "The datastore is busy.", isTransient: true)
    case .notADatastore, .invalidName, .unmarkable, .timestampsIgnored, .io:
      self = .because(.internalError, "The datastore failed.", isTransient: true)
    }
  }

  private static func sentence(_ error: DatastoreError) -> String {
    switch error {
    case .chunkMissing(let digest): "The backup's chunk \(digest) is missing."
    case .chunkCorrupt(let digest): "The backup's chunk \(digest) is corrupt."
    case .indexCorrupt(let name): "The backup's index \(name) is corrupt."
    case .blobCorrupt(let name): "The backup's file \(name) is corrupt."
    case .manifestCorrupt: "The backup's manifest is corrupt."
    default: "The backup's files are missing."
    }
  }

  init(_ refusal: Refusal) {
    switch refusal {
    case .vpsNotReady: self = .because(.vpsNotReady, refusal.detail)
    case .notFound:
      self = .because(.notFound, "The target, the source or the backup is gone.")
    case .invalidRequest(let faults):
      self = .because(.invalidRequest, faults.map(\.detail).joined(separator: " "))
    case .undoExpired: self = .because(.undoExpired, refusal.detail)
    case .serviceUnavailable:
      self = .because(.internalError, refusal.detail, isTransient: true)
    default: self = .because(.internalError, refusal.detail)
    }
  }

  init(_ fault: CatalogFault) {
    switch fault {
    case .refused(let refusal): self.init(refusal)
    case .failed(let error): self = .interrupted(.catalog(error))
    }
  }
}

// Typed throws don't convert by themselves; these do it where a step calls out.

func fromHypervisor<Value>(
  _ body: () async throws(HypervisorError) -> Value
) async throws(StepStop) -> Value {
  do throws(HypervisorError) { return try await body() } catch { throw StepStop(error) }
}

func fromDisks<Value>(
  _ body: () async throws(DiskError) -> Value
) async throws(StepStop) -> Value {
  do throws(DiskError) { return try await body() } catch { throw StepStop(error) }
}

func fromDatastore<Value>(
  _ body: () async throws(DatastoreError) -> Value
) async throws(StepStop) -> Value {
  do throws(DatastoreError) { return try await body() } catch { throw StepStop(error) }
}

func fromCatalog<Value>(
  _ body: () async throws(CatalogFault) -> Value
) async throws(StepStop) -> Value {
  do throws(CatalogFault) { return try await body() } catch { throw StepStop(error) }
}

func fromJournal<Value>(
  _ body: () async throws(JobInterruption) -> Value
) async throws(StepStop) -> Value {
  do throws(JobInterruption) { return try await body() } catch { throw .interrupted(error) }
}

func rules<Value>(_ body: () throws(Refusal) -> Value) throws(StepStop) -> Value {
  do throws(Refusal) { return try body() } catch { throw StepStop(error) }
}
