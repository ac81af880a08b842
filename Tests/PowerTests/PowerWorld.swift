import Catalog
import Hypervisor
import Jobs
import Logging
import Model
import Operations
import Power
import TestSupport
import Testing

/// A worker that does power actions on one simulated machine, over a real catalog and real locks.
struct PowerWorld: Sendable {
  static let system = Caller(identity: .system("test"))

  let fixture: CatalogFixture
  let operations: Operations
  let hypervisor: SimulatedHypervisor
  let vps: VPS

  var catalog: any Catalog { fixture.catalog }

  /// Makes a world with a machine in a state; nothing works until `working` does.
  init(
    _ state: DomainState,
    _ change: @Sendable (inout SimulatedHypervisor.Machine) -> Void = { _ in }
  ) async throws {
    fixture = CatalogFixture(
      catalog: try SQLiteCatalog(path: "\(ScratchDirectory.path)/catalog.sqlite")
    )
    operations = Operations(catalog: fixture.catalog, clock: SystemWallClock(), logger: .quiet)
    vps = try await fixture.vps(of: fixture.client())
    var machine = SimulatedHypervisor.Machine(
      DomainDescription(
        name: vps.domainName,
        uuid: vps.domainUUID,
        state: state,
        definition: DomainXML(name: vps.domainName, uuid: vps.domainUUID, disks: [])
      )
    )
    change(&machine)
    hypervisor = SimulatedHypervisor([machine])
    let seen = Observation(observedAt: fixture.clock.now(), powerState: PowerState(state))
    let id = vps.id
    try await fixture.catalog.write { try $0.setObservation(seen, of: id) }
  }

  /// Runs a worker for the length of `body`.
  func working<Value: Sendable>(
    concurrency: Int = 1,
    with others: [JobKind: any JobHandler] = [:],
    startPatience: Duration = .milliseconds(10),
    _ body: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    let worker = Worker(
      catalog: catalog,
      node: CatalogFixture.node,
      handlers: others.merging([.power: handler(startPatience: startPatience)]) { $1 },
      clock: SystemWallClock(),
      concurrency: Adjustable(concurrency),
      attempts: 3,
      locksDirectory: "\(ScratchDirectory.path)/locks",
      logger: .quiet,
      retryDelay: RetryDelay(first: .milliseconds(1), maximum: .milliseconds(1))
    )
    return try await withThrowingTaskGroup(of: Value?.self) { group in
      group.addTask {
        try await worker.run()
        return nil
      }
      group.addTask { try await body() }
      defer { group.cancelAll() }
      while let value = try await group.next() {
        if let value { return value }
      }
      throw WorkerEnded()
    }
  }

  /// Accepts an action, has it done, and gives the job as it ended.
  func doing(_ action: PowerAction, force: Bool = false) async throws -> Job {
    let job = try await accept(action, force: force)
    return try await working { try await ended(job.id) }
  }

  func accept(_ action: PowerAction, force: Bool = false) async throws -> Job {
    try await operations.perform(
      operations.changePower(
        Self.system,
        of: vps.id.text,
        PowerTask(action: action, isForced: force)
      )
    )
  }

  /// Waits until a job has ended.
  func ended(_ id: JobID) async throws -> Job {
    let deadline = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < deadline {
      let job = try await fixture.stored(id)
      if job.state.isFinal { return job }
      try await Task.sleep(for: .milliseconds(10))
    }
    throw WorkerEnded()
  }

  /// What was asked of the machine that has an effect.
  func effects() async -> [SimulatedHypervisor.Operation] {
    await hypervisor.calls.map(\.operation)
      .filter { [.requestShutdown, .destroy, .start, .reset].contains($0) }
  }

  /// What the machine does now.
  func state() async throws -> DomainState {
    try await hypervisor.change(vps.domainName) { $0.description.state }
  }

  private func handler(startPatience: Duration) -> PowerHandler {
    PowerHandler(
      parts: PowerParts(
        catalog: catalog,
        hypervisor: hypervisor,
        observer: HostObserver(hypervisor: hypervisor, clock: SystemWallClock()),
        settings: PowerSettings(
          shutdownTimeout: .seconds(1),
          destroyTimeout: .seconds(1),
          startPatience: startPatience
        ),
        logger: .quiet
      )
    )
  }
}

struct WorkerEnded: Error {}

/// Does jobs as a test says.
struct ScriptedHandler: JobHandler {
  let body: @Sendable (Job, JobContext) async throws -> Void

  func run(_ job: Job, context: JobContext, isLastAttempt: Bool) async -> JobOutcome {
    do {
      try await body(job, context)
    } catch {
      return .leaseLost
    }
    return .failed(JobFailure(code: .internalError, detail: "It is scripted."), also: { _ in })
  }
}
