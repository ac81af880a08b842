/// Everything that is known of a domain at one moment.
///
/// It has so many parts because a rule must see all of them as they were together.
package struct DomainDescription: Sendable, Equatable {
  /// A job of libvirt's that works on the domain.
  package enum Job: Sendable, Equatable {
    case backup
    case migration
    case blockJob(disk: String)
    case other
  }

  /// The domain's name.
  package var name: String
  /// The domain's UUID, in lowercase text form.
  package var uuid: String
  /// What it is doing.
  package var state: DomainState
  /// Whether it is defined, and so outlives its own end.
  package var isPersistent: Bool
  /// Whether it starts with the host.
  package var hasAutostart: Bool
  /// Whether a saved memory image waits to be resumed.
  package var hasManagedSave: Bool
  /// How many snapshots libvirt knows of it.
  package var snapshotCount: Int
  /// The names of its checkpoints.
  package var checkpointNames: [String]
  /// The job that works on it now.
  package var activeJob: Job?
  /// What its definitions say.
  package var definition: DomainXML
  /// The definition for the next start, with its secrets.
  package var definitionXML: String
  /// What runs now, with its secrets; nil if nothing does.
  package var liveXML: String?

  /// Makes a description from its parts.
  package init(
    name: String,
    uuid: String,
    state: DomainState,
    isPersistent: Bool = true,
    hasAutostart: Bool = false,
    hasManagedSave: Bool = false,
    snapshotCount: Int = 0,
    checkpointNames: [String] = [],
    activeJob: Job? = nil,
    definition: DomainXML,
    definitionXML: String = "",
    liveXML: String? = nil
  ) {
    self.name = name
    self.uuid = uuid
    self.state = state
    self.isPersistent = isPersistent
    self.hasAutostart = hasAutostart
    self.hasManagedSave = hasManagedSave
    self.snapshotCount = snapshotCount
    self.checkpointNames = checkpointNames
    self.activeJob = activeJob
    self.definition = definition
    self.definitionXML = definitionXML
    self.liveXML = liveXML
  }
}

extension DomainDescription {
  /// How this domain is found again, even if somebody renames it.
  package var reference: DomainReference { DomainReference(name: name, uuid: uuid) }
  /// The disks of what runs now, or of the definition if nothing does.
  package var disks: [DomainDisk] { definition.disks }
  /// The disks of the next start.
  package var inactiveDisks: [DomainDisk] { definition.inactiveDisks }
  /// The network cards of what runs now, or of the definition if nothing does.
  package var interfaces: [DomainInterface] { definition.interfaces }
  /// The network cards of the next start.
  package var inactiveInterfaces: [DomainInterface] { definition.inactiveInterfaces }
  /// What the next start boots with.
  package var firmware: DomainFirmware { definition.firmware }
  /// The file with the UEFI's variables, if the definition names one.
  package var nvramPath: String? { definition.nvramPath }
  /// Whether a TPM keeps state outside the disks.
  package var hasPersistentTPM: Bool { definition.hasPersistentTPM }
  /// How many virtual processors it has.
  package var processorCount: Int { definition.processorCount }
  /// How much memory it has.
  package var memoryBytes: Int64 { definition.memoryBytes }
  /// Whom sockets and scratch files of the running QEMU must be open to, if libvirt says so.
  package var processOwner: DomainXML.ProcessOwner? { definition.processOwner }
  /// The generation id that the guest sees.
  package var generationID: String? { definition.generationID }
  /// Whether the guest agent has a channel to speak through.
  package var hasAgentChannel: Bool { definition.hasAgentChannel }
  /// Whether an agent has opened its end of the channel.
  package var isAgentConnected: Bool { definition.isAgentConnected }
  /// Whether what runs now and the definition have the same disks and network cards.
  package var definitionsAgree: Bool { definition.definitionsAgree }
}
