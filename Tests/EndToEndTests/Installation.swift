import Foundation
import TestSupport
import Testing

/// A server with a client of its own, whose VPSs are guests of a private libvirt.
struct Installation: Sendable {
  let server: Server
  let clientID: String
  let key: String

  /// What most tests need.
  static let usualScopes = ["read:vm", "backup:vm"]
  /// Everything there is.
  static let allScopes = usualScopes + ["power:vm", "write:vm"]

  /// Makes a client and a key in the server's catalog; the server need not run.
  init(on server: Server, scopes: [String] = Installation.usualScopes) async throws {
    self.server = server
    clientID = try await server.program.run("client", "create", "acme", "--json")
      .decode(Identified.self).id
    key = try await server.program.run(
      ["key", "create", "--client", clientID, "--json"] + scopes.flatMap { ["--scope", $0] }
    ).decode(CreatedKey.self).key
  }

  /// The HTTP door with the client's key.
  func api() throws -> Asking {
    guard let base = server.base() else {
      throw Unexpected(what: "rehome serve", found: server.log())
    }
    return Asking(base: base, key: key)
  }

  /// Registers a domain.
  func register(
    _ domain: String,
    hostname: String? = nil,
    network: String,
    adoptSeed: Bool = false
  ) async throws -> String {
    let file = "\(server.folder)/\(domain).yaml"
    try network.write(toFile: file, atomically: true, encoding: .utf8)
    let arguments = [
      "vps", "add", "--client", clientID, "--domain", domain, "--name", domain,
      "--hostname", hostname ?? domain, "--network", file, "--json",
    ]
    let outcome = try await server.program.run(arguments + (adoptSeed ? ["--adopt-seed"] : []))
    return try outcome.decode(Identified.self).id
  }

  /// Makes a backup and gives its identifier.
  func backUp(_ vps: String) async throws -> String {
    let job = try await server.program.run("backup", "create", vps, "--wait", "--json")
      .decode(JobPrint.self)
    guard job.state == "completed", let backup = job.task.backupId else {
      throw Unexpected(what: "backup of \(vps)", found: "\(job)")
    }
    return backup
  }

  /// Asks for a restore as the contract shows it; gives the job's identifier.
  func restore(_ backup: String, of source: String, onto target: String) async throws -> String {
    let answer = try await api().post(
      "/api/v2/vps/\(target)/backups/actions/restore-from-vps",
      #"{"sourceVpsId": "\#(source)", "backupId": "\#(backup)"}"#
    )
    guard answer.status == 202 else {
      throw Unexpected(what: "restore: \(answer.status)", found: answer.text)
    }
    let operation = try answer.decode(OperationBody.self).operation
    #expect(operation.pollUrl == "/api/jobs/\(operation.jobId)")
    return operation.jobId
  }

  /// Asks for a restore to be taken back; gives the job's identifier.
  func undo(_ job: String) async throws -> String {
    try await server.program.run("restore", "undo", job, "--json").decode(Identified.self).id
  }

  /// Waits until a job has ended, asking over HTTP.
  func finished(
    _ job: String,
    within limit: Duration = .seconds(180)
  ) async throws -> OperationBody.Operation {
    let api = try api()
    return try await poll("\(job) ends", within: limit) {
      let answer = try await api.get("/api/jobs/\(job)")
      let operation = try answer.decode(OperationBody.self).operation
      return ["completed", "failed"].contains(operation.status) ? operation : nil
    }
  }

  /// A job as an operator sees it.
  func job(_ id: String) async throws -> JobPrint {
    try await server.program.run("job", "show", id, "--json").decode()
  }
}
