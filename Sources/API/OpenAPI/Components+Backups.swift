import Model

extension Components {
  static let backups = [
    Component("Backup", .object("A backup.", backupFields)),
    Component(
      "BackupList",
      .object(
        "A page of a VPS's backups, newest first.",
        [
          .always(
            "backups",
            .list("The backups.", of: .component("Backup"), atMost: Limits.wholeList)
          )
        ] + page + [
          .always("quotaInfo", .component("Quota")),
          .always("actions", .component("Gates")),
        ]
      )
    ),
    Component(
      "Quota",
      .object(
        "How many backups count, and how many may; without a limit the others are left out.",
        [
          .always("used", .integer("How many there are.", from: 0)),
          .maybe("limit", .integer("How many there may be.", from: 0)),
          .maybe("remaining", .integer("How many more there may be.", from: 0)),
        ]
      )
    ),
    Component(
      "CreateBackup",
      .object(
        "A backup to make.",
        [
          .maybe(
            "note",
            .text(
              "Your own words, without U+0000.",
              example: "before the update",
              pattern: #"^[^\u0000]*$"#,
              length: 0...Limits.noteCharacters
            )
            .orNull
          )
        ]
      )
    ),
  ]

  static let restores = [
    Component(
      "RestoreFromVPS",
      .object(
        "Whose backup, and which.",
        [
          .always("sourceVpsId", .identifier("The source VPS.", VPSKind.self)),
          .always("backupId", .identifier("The backup.", BackupKind.self)),
        ]
      )
    ),
    Component(
      "RestoreSources",
      .object(
        "A page of what may be put onto a VPS.",
        [
          .always(
            "sources",
            .list("The sources.", of: .component("RestoreSource"), atMost: Limits.wholeList)
          )
        ] + page
      )
    ),
    Component(
      "RestoreSource",
      .object(
        "A VPS, or what is left of one, with its backups.",
        [
          .always("id", .identifier("The source.", VPSKind.self)),
          .always("name", .text("Its name.")),
          .always("serviceStatus", .words("Where it stands.", of: ServiceStatus.self)),
          .always("sourceType", .words("A VPS still, or backups only.", ["server", "retained"])),
          .always(
            "backups",
            .list(
              "Its backups, newest first.",
              of: .component("RestoreChoice"),
              atMost: Limits.restoreChoices
            )
          ),
        ]
      )
    ),
    Component(
      "RestoreChoice",
      .object(
        "A backup, and whether it fits the target.",
        backupFields + [.always("restorable", .component("Restorable"))]
      )
    ),
    Component(
      "Restorable",
      .object(
        "Whether a backup fits a target, and which disk would go where.",
        [
          .always("allowed", .truth("Whether it does.")),
          .always("reason", .text("Why not, in a sentence.").orNull),
          .always("code", .text("Why not, as a stable word.").orNull),
          .always("disks", .list("The disks.", of: .component("DiskPair"))),
        ]
      )
    ),
    Component(
      "DiskPair",
      .object(
        "One of the backup's disks, and the target's disk that would get it.",
        [
          .always("source", .text("The backup's, by device.", example: "vda")),
          .always("target", .text("The target's, by device.", example: "vda")),
        ]
      )
    ),
  ]

  private static let backupFields: [Schema.Field] = [
    .always("id", .identifier("The backup.", BackupKind.self)),
    .always("displayId", .text("For people: its time and its key.")),
    .always("storageKey", .text("`vm/<vpsId>/<time>`.")),
    .always("createdAt", .moment("When it was asked for.")),
    .always("sizeGb", .number("The size of its disks in 10^9 bytes.", example: "10.7")),
    .always("sizeBytes", .integer("The same in bytes.", from: 0)),
    .always("backupType", .words("Who asked for it.", of: BackupType.self)),
    .always("state", .words("How far it is.", of: BackupState.self)),
    .maybe("note", .text("The client's own words.")),
    .always("expiresAt", .moment("When retention will remove it; null: never.").orNull),
  ]
}
