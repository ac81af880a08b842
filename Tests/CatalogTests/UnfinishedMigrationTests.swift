import Foundation
import GRDB
import Model
import TestSupport
import Testing

@testable import Catalog

/// A restore that an earlier version was in the middle of, opened by this program.
@Suite(.scratchDirectory)
struct UnfinishedMigrationTests {
  @Test(arguments: Schema.migrations.dropLast().map(\.name))
  func `a restore under way is there with its journal, what it holds and what it can take back`(
    schema: String
  ) async throws {
    let path = "\(ScratchDirectory.path)/catalog.sqlite"
    let identifiers = IdentifierFactory(clock: ManualClock())
    let (client, vps): (ClientID, VPSID) = (identifiers.make(), identifiers.make())
    let backup: BackupID = identifiers.make()
    let (job, former): (JobID, JobID) = (identifiers.make(), identifiers.make())
    let task = JobTask.restore(
      RestoreTask(sourceVPSID: vps, backupID: backup, strategy: .staged)
    )
    let earlier = try DatabasePool(path: path)
    try Schema.migrate(earlier, through: schema)
    let arguments: StatementArguments = [
      "client": client.text, "vps": vps.text, "backup": backup.text, "job": job.text,
      "former": former.text, "task": try text(task), "progress": try text(JobProgress()),
    ]
    try await earlier.write { try $0.execute(sql: Self.rows, arguments: arguments) }
    try earlier.close()

    let catalog = try SQLiteCatalog(path: path)
    let found = try await catalog.read { transaction throws in
      (
        job: try transaction.job(job), steps: try transaction.steps(of: job),
        holders: try transaction.holders(of: backup), undo: try transaction.undo(of: vps),
        standing: try transaction.standing(of: vps)
      )
    }
    #expect(found.job?.task == task)
    #expect(found.job?.state == .running)
    #expect(found.job?.attempts == 2)
    #expect(found.job?.limits == JobLimits())
    #expect(found.job?.needsOperator == false)
    #expect(found.steps.map(\.name) == ["check", "check", "stage"])
    #expect(found.steps.map(\.phase) == [.begun, .done, .begun])
    #expect(found.steps.last?.detail == #"{"disks":[]}"#)
    #expect(found.holders == [job])
    #expect(found.undo?.restoreJobID == former)
    #expect(found.undo?.sizeBytes == 4096)
    #expect(found.standing.dataJobID == job)
  }

  private func text(_ value: some Encodable) throws -> String {
    String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
  }

  private static let rows = """
    INSERT INTO client VALUES (:client, 'acme', 1);
    INSERT INTO node VALUES ('local', 'test:///default', NULL);
    INSERT INTO vps (id, client_id, node, domain_name, domain_uuid, name, name_folded, hostname,
      service_status, created_at)
    VALUES (:vps, :client, 'local', 'd', 'u', 'n', 'n', 'h', 'active', 1);
    INSERT INTO backup (id, client_id, vps_id, state, type, created_at, snapshot_path, contents)
    VALUES (:backup, :client, :vps, 'complete', 'manual', 1, 'ns/x',
      '{"disks":[],"firmware":"bios","hasTPM":false,"isFrozen":true}');
    INSERT INTO job (id, client_id, vps_id, node, kind, class, task, state, attempts, progress,
      result, cancel_requested, created_at, started_at, finished_at)
    VALUES (:former, :client, :vps, 'local', 'restore', 'data', :task, 'completed', 1, :progress,
      NULL, 0, 1, 1, 2);
    INSERT INTO job (id, client_id, vps_id, node, kind, class, task, state, attempts, progress,
      cancel_requested, created_at, started_at, lease_token, lease_until)
    VALUES (:job, :client, :vps, 'local', 'restore', 'data', :task, 'running', 2, :progress,
      0, 3, 3, 'token', 4);
    INSERT INTO job_step VALUES (:job, 1, 'check', 'begun', '{}', 3);
    INSERT INTO job_step VALUES (:job, 2, 'check', 'done', '{}', 3);
    INSERT INTO job_step VALUES (:job, 3, 'stage', 'begun', '{"disks":[]}', 3);
    INSERT INTO hold VALUES (:backup, :job);
    INSERT INTO undo VALUES (:vps, :former, 9, '{"disks":[]}', 4096);
    """
}
