import Model

extension Components {
  static let vps = [
    Component(
      "VPS",
      .object("A VPS with what may be done to it.", vpsFields)
    ),
    Component(
      "VPSPage",
      .object(
        "A page of VPSs.",
        [
          .always(
            "data",
            .list("The VPSs.", of: .component("VPS"), atMost: Limits.pageMaximum)
          ),
          .always("hasMore", .truth("Whether there is another page.")),
          .always("nextCursor", .text("The `cursor` of the next page.").orNull),
        ]
      )
    ),
    Component(
      "Resources",
      .object(
        "What the machine has; null while no worker has looked at it.",
        [
          .always("cpuCores", .integer("Virtual processors.", from: 0, example: 2).orNull),
          .always("memoryGb", .number("Memory in 10^9 bytes.", example: "2.1").orNull),
          .always("memoryBytes", .integer("Memory in bytes.", from: 0).orNull),
          .always("storageGb", .number("Storage in GiB, as sold.", example: "40.0").orNull),
          .always("storageBytes", .integer("Storage in bytes.", from: 0).orNull),
        ]
      )
    ),
    Component(
      "Gate",
      .object(
        "Whether an action is allowed now: the same rule that its POST goes by.",
        [
          .always("allowed", .truth("Whether it is.")),
          .always("reason", .text("Why not, in a sentence.").orNull),
          .always("code", .text("Why not, as a stable word.", example: "job_in_flight").orNull),
        ]
      )
    ),
    Component("Gates", .object("What may be done now.", gateFields)),
  ]

  /// What every view of a VPS has.
  static let vpsFields: [Schema.Field] = [
    .always("id", .identifier("The VPS.", VPSKind.self)),
    .always("name", .text("Its name.", example: "web1")),
    .maybe("primaryIp", .text("Its first address.", example: "192.0.2.10")),
    .always("serviceStatus", .words("Where it stands commercially.", of: ServiceStatus.self)),
    .maybe("powerState", .words("What its machine does.", of: PowerState.self)),
    .always("resources", .component("Resources")),
    .always("actions", .component("Gates")),
  ]

  private static let gateFields: [Schema.Field] = [
    "canStart", "canStop", "canShutdown", "canRestart", "canReset", "canCreateBackup", "canRestore",
    "canRestoreFromAnotherVps",
  ].map { .always($0, .component("Gate")) }
}
