import Catalog
import Datastore
import Disks
import Hypervisor
import Jobs
import Model

/// Why a backup ended without succeeding.
enum BackupStop: Error {
  case failure(JobFailure)
  case cancelled
  case interrupted(JobInterruption)

  static func because(
    _ code: JobFailureCode,
    _ detail: String,
    isTransient: Bool = false
  ) -> BackupStop {
    .failure(JobFailure(code: code, detail: detail, isTransient: isTransient))
  }

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
    case .outOfSpace: self = .because(.hostStorageFull, "The host's storage is full.")
    case .locked:
      self = .because(
        .vpsNotReady,
        "Somebody else has a disk of the VPS open.",
        isTransient: true
      )
    case .hostile(let reason):
      self = .because(.vpsNotReady, "A disk image asks for what is never opened: \(reason).")
    case .io(let operation, _, let number):
      self = .because(
        .internalError,
        "A disk failed: \(operation), error \(number).",
        isTransient: true
      )
    case .unsupported, .tool, .serverEnded, .stampMismatch, .notFound, .closed:
      self = .because(.internalError, "A disk can't be read.", isTransient: true)
    }
  }

  init(_ error: DatastoreError) {
    switch error {
    case .outOfSpace:
      self = .because(.hostStorageFull, "The datastore's file system is full.")
    default:
      self = .because(.internalError, "The datastore failed.", isTransient: true)
    }
  }

  init(_ fault: CatalogFault) {
    switch fault {
    case .refused(let refusal): self = .because(.internalError, refusal.detail)
    case .failed(let error): self = .interrupted(.catalog(error))
    }
  }
}

// Typed throws don't convert by themselves; these do it where a backup calls out.

func fromHypervisor<Value>(
  _ body: () async throws(HypervisorError) -> Value
) async throws(BackupStop) -> Value {
  do throws(HypervisorError) { return try await body() } catch { throw BackupStop(error) }
}

func fromDisks<Value>(
  _ body: () async throws(DiskError) -> Value
) async throws(BackupStop) -> Value {
  do throws(DiskError) { return try await body() } catch { throw BackupStop(error) }
}

func fromDatastore<Value>(
  _ body: () async throws(DatastoreError) -> Value
) async throws(BackupStop) -> Value {
  do throws(DatastoreError) { return try await body() } catch { throw BackupStop(error) }
}

func fromCatalog<Value>(
  _ body: () async throws(CatalogFault) -> Value
) async throws(BackupStop) -> Value {
  do throws(CatalogFault) { return try await body() } catch { throw BackupStop(error) }
}

func fromJournal<Value>(
  _ body: () async throws(JobInterruption) -> Value
) async throws(BackupStop) -> Value {
  do throws(JobInterruption) { return try await body() } catch { throw .interrupted(error) }
}
