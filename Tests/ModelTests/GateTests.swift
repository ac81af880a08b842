import Model
import Testing

@Suite struct GateTests {
  private static let job = JobID("job_01hxa3b4c5d6e7f8g9h0j1k2m3")

  struct Case: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var change: @Sendable (inout GateFacts) -> Void
    var code: String
  }

  private static func observed(
    _ change: @escaping @Sendable (inout Observation) -> Void
  ) -> @Sendable (inout GateFacts) -> Void {
    { facts in
      guard var observation = facts.observation else { return }
      change(&observation)
      facts.observation = observation
    }
  }

  private static func disk(_ obstacle: DiskObstacle) -> ObservedDisk {
    ObservedDisk(
      device: "vda",
      bus: "virtio",
      storage: .file,
      format: "qcow2",
      path: "/d",
      sizeBytes: 1,
      obstacle: obstacle
    )
  }

  static let closed: [Case] = [
    Case(
      testDescription: "suspended",
      change: { $0.serviceStatus = .suspended },
      code: "not_active"
    ),
    Case(
      testDescription: "never observed",
      change: { $0.observation = nil },
      code: "power_state_unsettled"
    ),
    Case(
      testDescription: "domain gone",
      change: observed { $0.isMissing = true },
      code: "domain_missing"
    ),
    Case(
      testDescription: "paused",
      change: observed { $0.powerState = .paused },
      code: "power_state_unsettled"
    ),
    Case(
      testDescription: "stopping",
      change: observed { $0.powerState = .stopping },
      code: "power_state_unsettled"
    ),
    Case(
      testDescription: "saved state",
      change: observed { $0.hasSavedState = true },
      code: "saved_state"
    ),
    Case(
      testDescription: "snapshots",
      change: observed { $0.snapshotCount = 1 },
      code: "snapshots"
    ),
    Case(
      testDescription: "backing chain",
      change: observed { $0.disks = [disk(.backingChain)] },
      code: "backing_chain"
    ),
    Case(
      testDescription: "shared disk",
      change: observed { $0.disks = [disk(.shared)] },
      code: "shared_disk"
    ),
    Case(
      testDescription: "block job",
      change: observed { $0.activity = .blockJob },
      code: "block_job"
    ),
    Case(
      testDescription: "foreign checkpoint",
      change: observed { $0.foreignCheckpoints = ["cp1"] },
      code: "foreign_checkpoints"
    ),
    Case(
      testDescription: "transient",
      change: observed { $0.isPersistent = false },
      code: "transient_domain"
    ),
    Case(
      testDescription: "definitions differ",
      change: observed { $0.definitionsAgree = false },
      code: "transient_domain"
    ),
    Case(testDescription: "job in flight", change: { $0.dataJobID = job }, code: "job_in_flight"),
    Case(
      testDescription: "an operator must look",
      change: { $0.unsettledJobID = job },
      code: "needs_operator"
    ),
    Case(testDescription: "missing scope", change: { $0.scopes = [.readVM] }, code: "forbidden"),
  ]

  private static var quiet: GateFacts {
    GateFacts(
      serviceStatus: .active,
      observation: Observation(
        observedAt: Timestamp(milliseconds: 0),
        powerState: .running,
        disks: [
          ObservedDisk(
            device: "vda",
            bus: "virtio",
            storage: .file,
            format: "raw",
            path: "/d",
            sizeBytes: 1
          )
        ]
      ),
      scopes: [.backupVM]
    )
  }

  private static func restore(_ facts: GateFacts) -> Gate {
    Gate { () throws(Refusal) in try GateRules.restore(facts) }
  }

  @Test func `a quiet target may be restored`() {
    #expect(Self.restore(Self.quiet) == .open)
    #expect(Self.restore(Self.quiet).reason == nil)
  }

  @Test(arguments: closed)
  func `whatever the exchange may not meet closes the gate`(_ item: Case) {
    var facts = Self.quiet
    item.change(&facts)
    let gate = Self.restore(facts)
    #expect(!gate.allowed)
    #expect(gate.code == item.code)
    #expect(gate.reason?.isEmpty == false)
  }

  @Test func `a full quota closes backups only`() {
    var facts = Self.quiet
    facts.backupLimit = 2
    facts.backupsUsed = 2
    let gate = Gate { () throws(Refusal) in try GateRules.createBackup(facts) }
    #expect(gate.code == "backup_quota_exceeded")
    #expect(Self.restore(facts) == .open)
  }

  @Test func `power passes beside a data job until it holds the power`() {
    var facts = Self.quiet
    facts.scopes = nil
    facts.dataJobID = Self.job
    #expect(Gate { () throws(Refusal) in try GateRules.power(.stop, facts) } == .open)
    facts.dataJobHoldsPower = true
    #expect(
      Gate { () throws(Refusal) in try GateRules.power(.stop, facts) }.code == "job_in_flight"
    )
  }

  @Test func `disks that nobody knows are neither backed up nor booted from`() {
    var facts = Self.quiet
    facts.scopes = nil
    facts.unsettledJobID = Self.job
    let backup = Gate { () throws(Refusal) in try GateRules.createBackup(facts) }
    #expect(backup.code == "needs_operator")
    for action in PowerAction.allCases {
      let gate = Gate { () throws(Refusal) in try GateRules.power(action, facts) }
      #expect((gate.code == "needs_operator") == [.start, .restart].contains(action), "\(action)")
    }
  }

  @Test func `a stop alone overtakes a power job that only waits for its guest`() {
    var facts = Self.quiet
    facts.scopes = nil
    facts.powerJobID = Self.job
    for yields in [false, true] {
      facts.powerJobYieldsToStop = yields
      for action in [PowerAction.stop, .shutdown, .restart, .reset] {
        let gate = Gate { () throws(Refusal) in try GateRules.power(action, facts) }
        #expect(gate.allowed == (yields && action == .stop), "\(action)")
      }
    }
  }

  @Test(arguments: NotReadyReason.allCases)
  func `every reason has a sentence`(reason: NotReadyReason) {
    #expect(reason.sentence.hasSuffix("."))
  }
}

@Suite struct NetworkConfigurationTests {
  private static let text = """
    network:
      version: 2
      ethernets:
        wan:
          match: { macaddress: "52:54:00:AA:00:01" }
          set-name: eth0
          addresses: [ 10.77.0.11/24, "2001:db8::1/64" ]
        lan:
          dhcp4: true
    """

  @Test func `netplan version 2 is read with or without its outer key`() throws {
    let network = try NetworkConfiguration(text: Self.text)
    #expect(network.addresses == ["10.77.0.11/24", "2001:db8::1/64"])
    #expect(network.ethernets.map(\.id) == ["wan", "lan"])
    #expect(network.ethernets.first?.macAddress == "52:54:00:aa:00:01")
    #expect(network.ethernets.last?.dhcp4 == true)
    let inner = try NetworkConfiguration(text: "version: 2\nethernets: { a: { dhcp4: true } }")
    #expect(inner.ethernets.count == 1)
  }

  @Test(arguments: [
    ("network: [", "notYAML"), ("- 1", "notYAML"),
    ("version: 1\nethernets: {a: {}}", "notVersion2"),
    ("version: 2", "badField"), ("version: 2\nethernets: {a: {addresses: [10.0.0.1]}}", "badField"),
    ("version: 2\nethernets: {a: 3}", "badField"),
  ])
  func `anything else is refused`(text: String, fault: String) throws {
    let error = try #require(throws: NetworkConfigurationFault.self) {
      try NetworkConfiguration(text: text)
    }
    #expect("\(error)".hasPrefix(fault))
  }
}
