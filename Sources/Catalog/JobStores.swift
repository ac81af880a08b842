package import Model

/// A worker's right to work on a job for a while.
package struct Lease: Sendable, Equatable {
  /// The job.
  package var jobID: JobID
  /// The token that each write of the holder names; a lost lease's token matches no row.
  package var token: String
  /// Until when it holds without renewal.
  package var until: Timestamp

  /// Makes a lease.
  package init(jobID: JobID, token: String, until: Timestamp) {
    self.jobID = jobID
    self.token = token
    self.until = until
  }
}

/// Which jobs a list holds.
package struct JobFilter: Sendable, Equatable {
  /// Of one client; nil: of all.
  package var clientID: ClientID?
  /// Of one VPS; nil: of all.
  package var vpsID: VPSID?
  /// Of these kinds; nil: of any.
  package var kinds: Set<JobKind>?
  /// In these states; nil: in any.
  package var states: Set<JobState>?
  /// At most so many, newest first.
  package var limit: Int

  /// Makes a filter.
  package init(
    clientID: ClientID? = nil,
    vpsID: VPSID? = nil,
    kinds: Set<JobKind>? = nil,
    states: Set<JobState>? = nil,
    limit: Int = 100
  ) {
    self.clientID = clientID
    self.vpsID = vpsID
    self.kinds = kinds
    self.states = states
    self.limit = limit
  }
}

/// How many unfinished jobs of one kind stand in one state.
package struct JobCount: Sendable, Equatable {
  /// What they do.
  package var kind: JobKind
  /// Where they stand.
  package var state: JobState
  /// How many they are.
  package var count: Int
  /// When the oldest of them was accepted.
  package var oldest: Timestamp

  /// Makes a count.
  package init(kind: JobKind, state: JobState, count: Int, oldest: Timestamp) {
    self.kind = kind
    self.state = state
    self.count = count
    self.oldest = oldest
  }
}

/// The job table: a durable queue.
package protocol JobStore {
  /// Adds a job; `CatalogError.constraint(.unfinishedJob)` when its VPS has one of its class.
  func insert(_ job: Job) throws(CatalogError)
  /// A job by identifier.
  func job(_ id: JobID) throws(CatalogError) -> Job?
  /// Jobs, newest first.
  func jobs(_ filter: JobFilter) throws(CatalogError) -> [Job]
  /// The unfinished job of a VPS and class, if any.
  func unfinishedJob(of vps: VPSID, class: JobClass) throws(CatalogError) -> Job?
  /// Notes that an operator has put in order what a job left; false when nothing waits for one.
  func settle(_ id: JobID) throws(CatalogError) -> Bool
  /// How many jobs have left something that waits for an operator.
  func unsettledCount() throws(CatalogError) -> Int
  /// Ends a job of its VPS's power without its worker, whose lease is gone with it; false when it
  /// has ended already.
  func overtake(_ id: JobID, failure: JobFailure, at: Timestamp) throws(CatalogError) -> Bool
  /// How many unfinished jobs there are by kind and state, those that there are none of left out.
  func unfinishedCounts() throws(CatalogError) -> [JobCount]

  /// Takes the oldest job of a node and some classes that is queued, or waiting and due, or running
  /// under a lease that has ended; counts the attempt, sets it running and leases it. Nil: nothing
  /// to do.
  func claimJob(
    node: String,
    classes: Set<JobClass>,
    token: String,
    now: Timestamp,
    leaseUntil: Timestamp
  ) throws(CatalogError) -> Job?
  /// Renews a lease; false when it is lost. Also tells whether a cancel was asked for.
  func renew(_ lease: Lease) throws(CatalogError) -> LeaseStatus
  /// Undoes a claim, so that it doesn't count as an attempt, until a moment at which the job may be
  /// claimed again; false when the lease is lost.
  func giveBack(_ lease: Lease, until: Timestamp) throws(CatalogError) -> Bool
  /// Ends all leases of a node: its worker starts anew and had died before.
  func releaseLeases(node: String) throws(CatalogError)
  /// Stores progress under a lease; false when the lease is lost.
  func setProgress(_ progress: JobProgress, lease: Lease) throws(CatalogError) -> Bool
  /// Stores the final state under a lease; false when the lease is lost.
  func finish(
    _ lease: Lease,
    state: JobState,
    result: JobResult?,
    failure: JobFailure?,
    at: Timestamp
  ) throws(CatalogError) -> Bool
  /// Sets a job waiting until a moment, under a lease; false when the lease is lost.
  func postpone(
    _ lease: Lease,
    until: Timestamp,
    failure: JobFailure
  ) throws(CatalogError) -> Bool
  /// Marks a job as to be cancelled.
  func requestCancel(_ id: JobID) throws(CatalogError)
  /// Changes what an unfinished job may take of its host; false when it has ended.
  func setLimits(_ limits: JobLimits, of id: JobID) throws(CatalogError) -> Bool
  /// Ends a job that no worker has and whose journal is empty, as cancelled; false when one has it
  /// or has begun it.
  func cancelUnclaimed(_ id: JobID, failure: JobFailure, at: Timestamp) throws(CatalogError) -> Bool
}

/// What a renewal found.
package enum LeaseStatus: Sendable, Equatable {
  /// It holds on.
  case held(cancelRequested: Bool)
  /// Somebody else has the job, or it has ended.
  case lost
}

/// What a journal row says of its step.
///
/// Stored: append only.
package enum StepPhase: String, Sendable, Codable {
  /// Written before the step's first effect.
  case begun
  /// Written after its last.
  case done
  /// The step failed; the detail says how.
  case failed
}

/// One row of a job's journal.
package struct JobStep: Sendable, Equatable {
  /// The job.
  package var jobID: JobID
  /// Its place in the journal, from 1.
  package var sequence: Int
  /// The step's stored name, such as `swap`.
  package var name: String
  /// What the row says of it.
  package var phase: StepPhase
  /// What recovery needs to know, as JSON.
  package var detail: String
  /// When it was written.
  package var at: Timestamp

  /// Makes a row.
  package init(
    jobID: JobID,
    sequence: Int,
    name: String,
    phase: StepPhase,
    detail: String,
    at: Timestamp
  ) {
    self.jobID = jobID
    self.sequence = sequence
    self.name = name
    self.phase = phase
    self.detail = detail
    self.at = at
  }
}

/// The journals: append only while a job lives.
package protocol StepStore {
  /// Adds a row under a lease and gives its place; nil when the lease is lost.
  func appendStep(
    name: String,
    phase: StepPhase,
    detail: String,
    at: Timestamp,
    lease: Lease
  ) throws(CatalogError) -> Int?
  /// A job's journal in order.
  func steps(of job: JobID) throws(CatalogError) -> [JobStep]
  /// The rows of a job's journal with these names, in order.
  func steps(of job: JobID, named names: Set<String>) throws(CatalogError) -> [JobStep]
}

/// What is kept so that a restore can be taken back; one per VPS.
package struct UndoRecord: Sendable, Equatable {
  /// The VPS.
  package var vpsID: VPSID
  /// The restore that it takes back.
  package var restoreJobID: JobID
  /// Until when it is kept.
  package var until: Timestamp
  /// Former disks and seed as the restore engine knows them, as JSON.
  package var detail: String
  /// Host space it takes, for `vps show` and the space check.
  package var sizeBytes: Int64

  /// Makes a record.
  package init(
    vpsID: VPSID,
    restoreJobID: JobID,
    until: Timestamp,
    detail: String,
    sizeBytes: Int64
  ) {
    self.vpsID = vpsID
    self.restoreJobID = restoreJobID
    self.until = until
    self.detail = detail
    self.sizeBytes = sizeBytes
  }
}

/// The undo records.
package protocol UndoStore {
  /// Stores a record; the VPS must have none.
  func insert(_ undo: UndoRecord) throws(CatalogError)
  /// A VPS's record.
  func undo(of vps: VPSID) throws(CatalogError) -> UndoRecord?
  /// Records of a node's VPSs that ended before a moment.
  func expiredUndos(node: String, at time: Timestamp) throws(CatalogError) -> [UndoRecord]
  /// Removes a VPS's record.
  func deleteUndo(of vps: VPSID) throws(CatalogError)
}

extension JobStore {
  /// Takes the oldest job of a node that can be taken, of any class.
  package func claimJob(
    node: String,
    token: String,
    now: Timestamp,
    leaseUntil: Timestamp
  ) throws(CatalogError) -> Job? {
    try claimJob(
      node: node,
      classes: Set(JobClass.allCases),
      token: token,
      now: now,
      leaseUntil: leaseUntil
    )
  }
}
