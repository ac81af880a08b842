import Model
import Operations

/// A VPS with what may be done to it.
struct VPSWire: Encodable {
  /// What its machine has; null while no worker has looked at it.
  struct Resources: Encodable {
    @NullWhenNil var cpuCores: Int?
    @NullWhenNil var memoryGb: Double?
    @NullWhenNil var memoryBytes: Int64?
    @NullWhenNil var storageGb: Double?
    @NullWhenNil var storageBytes: Int64?

    init(_ observation: Observation?) {
      cpuCores = observation?.cpuCores
      memoryGb = observation.map { Sizes.gb($0.memoryBytes) }
      memoryBytes = observation?.memoryBytes
      storageGb = observation.map { Sizes.storageGb($0.storageBytes) }
      storageBytes = observation?.storageBytes
    }
  }

  let id: String
  let name: String
  let primaryIp: String?
  let serviceStatus: ServiceStatus
  let powerState: PowerState?
  let operatingSystem: OperatingSystemWire?
  let resources: Resources
  let actions: GatesWire

  init(_ view: VPSView) {
    id = view.vps.id.text
    name = view.vps.name
    primaryIp = view.vps.primaryIP
    serviceStatus = view.vps.serviceStatus
    powerState = view.vps.observation?.powerState
    operatingSystem = view.vps.observation?.operatingSystem.map(OperatingSystemWire.init)
    resources = Resources(view.vps.observation)
    actions = GatesWire(view.gates)
  }
}

/// A page of VPSs.
struct VPSPageWire: Encodable {
  let data: [VPSWire]
  let hasMore: Bool
  @NullWhenNil var nextCursor: String?

  init(_ page: Page<VPSView>) {
    data = page.items.map(VPSWire.init)
    hasMore = page.nextCursor != nil
    nextCursor = page.nextCursor
  }
}
