/// Anything that commands print with an identifier.
struct Identified: Decodable {
  let id: String
}

/// What `key create` prints.
struct CreatedKey: Decodable {
  let key: String
}

/// The body that accepted operations and jobs share.
struct OperationBody: Decodable {
  struct Operation: Decodable {
    let status: String
    let jobId: String
    let pollUrl: String?
    let result: Result?
    let error: Failure?
  }

  struct Result: Decodable {
    struct Network: Decodable {
      let reapplied: Bool
      let confirmed: Bool
    }

    let verified: Bool?
    let network: Network?
  }

  struct Failure: Decodable {
    let code: String
    let left: String?
  }

  let operation: Operation
}

/// What `restore-sources` answers.
struct SourcesBody: Decodable {
  struct Source: Decodable {
    let id: String
    let backups: [Identified]
  }

  let sources: [Source]
}

/// What commands print of a job.
struct JobPrint: Decodable {
  struct Task: Decodable {
    let backupId: String?
  }

  struct Failure: Decodable {
    let code: String
    let left: String?
  }

  let id: String
  let state: String
  let attempts: Int
  let task: Task
  let error: Failure?

  var isFinal: Bool { ["completed", "failed", "cancelled"].contains(state) }
}

/// What `datastore status` prints.
struct StorePrint: Decodable {
  let snapshotCount: Int
  let unfinishedCount: Int
}
