import Catalog
import Datastore
import Hypervisor
import Model
import Testing

@testable import rehome

struct ExitStatusTests {
  private static let job = Job(
    id: IdentifierFactory(clock: SystemWallClock()).make(),
    clientID: IdentifierFactory(clock: SystemWallClock()).make(),
    vpsID: IdentifierFactory(clock: SystemWallClock()).make(),
    node: "local",
    task: .backup(BackupTask(backupID: IdentifierFactory(clock: SystemWallClock()).make())),
    state: .failed,
    failure: JobFailure(code: .hostStorageFull, detail: "Full.", left: .untouched),
    createdAt: Timestamp(seconds: 0)
  )

  static let table: [(CommandFailure, rehome.ExitStatus, String)] = [
    (.jobFailed(job), .jobFailed, "host_storage_full"),
    (.storeTaskFailed("x"), .jobFailed, "datastore_task_failed"),
    (.usage("x"), .usage, "usage"),
    (.settings(.badOverride("x")), .usage, "invalid_configuration"),
    (.file(path: "x", reason: "y"), .usage, "invalid_file"),
    (.refused(.vpsNotReady(.snapshots, jobID: nil)), .refused, "vps_not_ready"),
    (.refused(.invalidRequest([])), .refused, "invalid_request"),
    (.refused(.undoExpired), .refused, "undo_expired"),
    (.seedNotAdopted(path: "x"), .refused, "seed_not_adopted"),
    (.refused(.notFound), .notFound, "not_found"),
    (.missing("x"), .notFound, "not_found"),
    (.hypervisor(.domainMissing("x")), .notFound, "domain_missing"),
    (.refused(.serviceUnavailable(retryAfterSeconds: 1)), .unreachable, "service_unavailable"),
    (.refused(.internalError), .unreachable, "internal_error"),
    (.hypervisor(.unavailable("x")), .unreachable, "hypervisor_unavailable"),
    (.catalog(.busy("x")), .unreachable, "catalog_unavailable"),
    (.datastore(.outOfSpace), .unreachable, "datastore_unavailable"),
    (.noWorker(node: "x", consequence: "y"), .unreachable, "no_worker"),
    (.notReady(count: 1), .unreachable, "not_ready"),
  ]

  @Test(arguments: table.indices)
  func `each failure has its code and its exit code`(_ index: Int) {
    let (failure, status, code) = Self.table[index]
    #expect(failure.exitStatus == status)
    #expect(failure.code == code)
    guard case .object(let members) = failure.json, case .object(let error)? = members["error"]
    else {
      Issue.record("no error object")
      return
    }
    #expect(error["exitCode"] == .integer(Int64(status.rawValue)))
    #expect(error["code"] == .text(code))
  }

  @Test
  func `the exit codes are what scripts know`() {
    #expect(rehome.ExitStatus.allCases.map(\.rawValue) == [0, 1, 2, 3, 4, 5])
  }

  @Test
  func `a failed job says in which state it left the VPS`() {
    let words = CommandFailure.jobFailed(Self.job).sentence
    #expect(words.contains("host_storage_full") && words.contains("was not touched"))
  }
}
