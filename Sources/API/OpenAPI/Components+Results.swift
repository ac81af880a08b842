import Model

extension Components {
  static let results = [
    Component(
      "JobResult",
      .either(
        "What came of a job, in the shape of its kind.",
        ["BackupResult", "RestoreResult", "UndoResult", "PowerResult"].map(Schema.component)
      )
    ),
    Component("BackupResult", .object("What a backup did.", backupResult)),
    Component("RestoreResult", .object("What a restore did.", restoreResult)),
    Component(
      "UndoResult",
      .object(
        "What an undo did.",
        [
          .always("targetVpsId", .identifier("The VPS.", VPSKind.self)),
          .always("restoreJobId", .identifier("The restore that was taken back.", JobIDKind.self)),
          .always("downtimeMilliseconds", .integer("How long it was down.", from: 0)),
          .always("downtime", .component("Downtime")),
          .always("network", .component("NetworkOutcome")),
          .always("note", .text("What was lost by it.")),
        ]
      )
    ),
    Component(
      "PowerResult",
      .object(
        "What a power action did.",
        [
          .always("action", .words("What was asked.", of: PowerAction.self)),
          .always("powerState", .words("What the machine did then.", of: PowerState.self)),
          .always("forced", .truth("The plug was pulled.")),
          .always("durationMilliseconds", .integer("How long it took.", from: 0)),
        ]
      )
    ),
    Component(
      "Downtime",
      .object(
        "How long a VPS was down, in milliseconds.",
        [
          .always("shutdown", .integer("Until it was off.", from: 0)),
          .always("exchange", .integer("Until disks and seed were exchanged.", from: 0)),
          .always("start", .integer("Until it was started.", from: 0)),
        ]
      )
    ),
    Component(
      "NetworkOutcome",
      .object(
        "What is known of the VPS's network.",
        [
          .always("reapplied", .truth("Its own configuration is attached.")),
          .always("confirmed", .truth("The guest itself showed every address.")),
          .maybe("confirmedReason", .words("Why not.", unconfirmedReasons)),
          .always("addresses", .list("What the guest showed.", of: .text("An address."))),
        ]
      )
    ),
  ]

  private static let unconfirmedReasons = [
    "no_agent", "target_off", "timeout", "mismatch", "foreign_address",
  ]

  private static let backupResult: [Schema.Field] = [
    .always("backupId", .identifier("The backup.", BackupKind.self)),
    .always("sizeGb", .number("The size of all disks in 10^9 bytes.")),
    .always("sizeBytes", .integer("The same in bytes.", from: 0)),
    .always("bytesRead", .integer("Read from the disks.", from: 0)),
    .always("bytesWritten", .integer("New in the datastore.", from: 0)),
    .always("bytesReused", .integer("There already, or zero.", from: 0)),
    .always("frozen", .truth("File systems were frozen at the moment it shows.")),
    .always("frozenMilliseconds", .integer("For how long.", from: 0)),
    .always("incremental", .truth("Only what had changed since an earlier backup was read.")),
    .maybe("fullReason", .words("Why everything was read.", of: FullReadReason.self)),
  ]

  private static let restoreResult: [Schema.Field] = [
    .always("targetVpsId", .identifier("The target.", VPSKind.self)),
    .always("sourceVpsId", .identifier("The source.", VPSKind.self)),
    .always("backupId", .identifier("The backup.", BackupKind.self)),
    .always("strategy", .words("How the disk got there.", of: RestoreStrategy.self)),
    .always("bytesRead", .integer("Read from the datastore, unpacked.", from: 0)),
    .always("bytesWritten", .integer("Written to the new disks.", from: 0)),
    .always("bytesReused", .integer("Needed no writing.", from: 0)),
    .always("downtimeMilliseconds", .integer("How long it was down.", from: 0)),
    .always("downtime", .component("Downtime")),
    .always("network", .component("NetworkOutcome")),
    .always("verified", .truth("Everything that was written was read back and compared.")),
    .always("undoUntil", .moment("Until when it can be taken back.")),
    .always("notes", .list("What you should know.", of: .text("A sentence."))),
  ]
}
