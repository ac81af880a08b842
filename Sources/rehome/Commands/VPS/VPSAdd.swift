import ArgumentParser
import Hypervisor
import Model
import Operations

/// `rehome vps add …`.
struct VPSAdd: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add",
    abstract: "Registers a libvirt domain of this host as a client's VPS.",
    discussion: """
      The domain is looked at, not changed. Its network and host name are what each restore \
      re-applies; without --network that is DHCP on every interface.
      """
  )

  @Option(help: "The client's identifier or name.")
  var client: String

  @Option(help: "The libvirt domain's name.")
  var domain: String

  @Option(help: "The name that the client sees.")
  var name: String

  @Option(help: "The guest's host name; without it the name.")
  var hostname: String?

  @Option(help: ArgumentHelp("Its network, netplan version 2.", valueName: "netplan.yaml"))
  var network: String?

  @Option(help: ArgumentHelp("Its cloud-init user-data.", valueName: "file"))
  var userData: String?

  @Flag(help: "Take over the cloud-init seed that the domain has, with its user-data.")
  var adoptSeed = false

  @Option(help: "How many backups it may have; without it any number.")
  var backupLimit: Int?

  @OptionGroup var options: GlobalOptions

  func validate() throws {
    guard backupLimit ?? 0 >= 0 else {
      throw ValidationError("--backup-limit must not be negative.")
    }
  }

  func run() async throws {
    let network = try network.map(OperatorFile.network)
    let userData = try userData.map(OperatorFile.userData)
    let context = try await CommandContext.open(options)
    let hypervisor = LibvirtHypervisor(
      uri: context.settings.node.libvirtURI,
      logger: ProgramLog.quiet(context.settings.logLevel)
    )
    let seen = try await look(with: hypervisor, context)
    let seed = try await AdoptedSeed.find(in: seen.description, isAllowed: adoptSeed)
    if adoptSeed, seed == nil { context.console.note("The domain has no seed to take over.") }
    let registration = VPSRegistration(
      client: client,
      node: context.settings.node.name,
      domainName: seen.description.name,
      domainUUID: seen.description.uuid,
      name: name,
      hostname: hostname,
      network: network ?? seed?.network,
      userData: userData ?? seed?.userData,
      adoptedSeedPath: seed?.path,
      backupLimit: backupLimit
    )
    let node = context.settings.node
    let vps = try await context.asking(missing: Missing.client(client)) {
      () async throws(Refusal) in
      try await context.operations.registerNode(name: node.name, uri: node.libvirtURI)
      return try await context.operations.addVPS(
        context.caller,
        registration,
        observed: seen.observation
      )
    }
    for disk in seen.observation.disks where disk.sizeBytes == nil {
      context.console.note(
        "Disk \(disk.device) at \(Table.printable(disk.path)) can't be looked at from here: "
          + "what it is will be known when the node's worker has seen it."
      )
    }
    context.console.show(vps.json) {
      "VPS \(vps.id) (\(vps.name)) is registered for \(vps.clientID)."
    }
  }

  private func look(
    with hypervisor: any Hypervisor,
    _ context: CommandContext
  ) async throws(CommandFailure) -> (description: DomainDescription, observation: Observation) {
    let observer = HostObserver(
      hypervisor: hypervisor,
      clock: context.operations.clock,
      freeReserve: context.settings.restore.freeReserve
    )
    do throws(HypervisorError) {
      let description = try await hypervisor.domain(DomainReference(name: domain))
      let observation = try await observer.observation(of: description)
      return (description, observation)
    } catch {
      throw .hypervisor(error)
    }
  }
}
