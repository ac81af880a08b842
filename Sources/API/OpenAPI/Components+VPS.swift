import Model

extension Components {
  static let vps: [Component] =
    [
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
            )
          ] + page
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
    ] + details + status

  private static let details: [Component] = [
    Component(
      "OperatingSystem",
      .object(
        "What the guest runs, as its agent told it.",
        [
          .always("displayName", .text("Its name.", example: "Debian GNU/Linux 12 (bookworm)")),
          .always("family", .text("The distribution or system.", example: "debian")),
          .maybe("version", .text("Its version.", example: "12")),
          .maybe("variant", .text("Its variant.", example: "server")),
        ]
      )
    ),
    Component(
      "VPSDetails",
      .object(
        "A VPS with everything that is kept of it.",
        vpsFields + [
          .always("hostname", .text("The guest's host name.", example: "web1")),
          .always("createdAt", .moment("When it was registered.")),
          .always("network", .component("Network")),
        ]
      )
    ),
    Component(
      "Network",
      .object(
        "The network that is re-applied after each restore.",
        [
          .always("isConfigured", .truth("Else every card asks DHCP.")),
          .always("interfaces", .list("The network cards.", of: .component("NetworkInterface"))),
        ]
      )
    ),
    Component(
      "NetworkInterface",
      .object(
        "A network card.",
        [
          .always("name", .text("Its name in the guest.", example: "eth0").orNull),
          .always("macAddress", .text("Its address.", example: "52:54:00:00:00:01").orNull),
          .always("dhcp4", .truth("It asks DHCP for IPv4 addresses.")),
          .always(
            "addresses",
            .list(
              "Its fixed addresses.",
              of: .text("With prefix length.", example: "192.0.2.10/24")
            )
          ),
        ]
      )
    ),
  ]

  private static let status: [Component] = [
    Component(
      "VPSStatus",
      .object(
        "What a VPS does and uses.",
        [
          .always("id", .identifier("The VPS.", VPSKind.self)),
          .always("powerState", .words("What its machine does.", of: PowerState.self)),
          .maybe("uptimeSeconds", .integer("How long it has been powered on.", from: 0)),
          .always("memory", .component("Usage")),
          .always("storage", .component("Usage")),
          .always(
            "pendingTasks",
            .list(
              "Its unfinished jobs.",
              of: .component("PendingTask"),
              atMost: JobClass.allCases.count
            )
          ),
          .always("observedAt", .moment("When it was seen; null: never.").orNull),
          .always("live", .truth("It was seen for this answer.")),
        ]
      )
    ),
    Component(
      "Usage",
      .object(
        "How much is used; null where that isn't known. Of storage, what it takes on the host.",
        [
          .always("usedGb", .number("In 10^9 bytes.").orNull),
          .always("usedBytes", .integer("In bytes.", from: 0).orNull),
          .always("totalGb", .number("In 10^9 bytes.").orNull),
          .always("totalBytes", .integer("In bytes.", from: 0).orNull),
          .always("usagePercent", .number("Used of total.").orNull),
        ]
      )
    ),
    Component(
      "PendingTask",
      .object(
        "A job that hasn't ended.",
        [
          .always("id", .identifier("The job.", JobIDKind.self)),
          .always("type", .words("What it does.", of: JobKind.self)),
          .always("status", operationStatus),
          .always("progress", .integer("In percent.", from: 0, to: 100)),
        ]
      )
    ),
    Component(
      "Restart",
      .object(
        "How to restart.",
        [
          .maybe(
            "force",
            .truth("Pull the plug of a guest that doesn't obey.", standard: false).orNull
          )
        ]
      )
    ),
  ]

  /// What every page of a list has beside its items.
  static let page: [Schema.Field] = [
    .always("hasMore", .truth("Whether there is another page.")),
    .always("nextCursor", .text("The `cursor` of the next page.").orNull),
  ]

  /// What every view of a VPS has.
  static let vpsFields: [Schema.Field] = [
    .always("id", .identifier("The VPS.", VPSKind.self)),
    .always("name", .text("Its name.", example: "web1")),
    .maybe("primaryIp", .text("Its first address.", example: "192.0.2.10")),
    .always("serviceStatus", .words("Where it stands commercially.", of: ServiceStatus.self)),
    .maybe("powerState", .words("What its machine does.", of: PowerState.self)),
    .maybe("operatingSystem", .component("OperatingSystem")),
    .always("resources", .component("Resources")),
    .always("actions", .component("Gates")),
  ]

  private static let gateFields: [Schema.Field] = [
    "canStart", "canStop", "canShutdown", "canRestart", "canReset", "canCreateBackup", "canRestore",
    "canRestoreFromAnotherVps",
  ].map { .always($0, .component("Gate")) }
}
