/// The examples of the document; tests hold them against the schemas.
enum Examples {
  static let accepted: JSON = [
    "operation": [
      "status": "queued",
      "jobId": "job_01hxa3b4c5d6e7f8g9h0j1k2m3",
      "pollUrl": "/api/jobs/job_01hxa3b4c5d6e7f8g9h0j1k2m3",
    ]
  ]

  static let gates: JSON = .object(
    [
      "canStart", "canStop", "canShutdown", "canRestart", "canReset", "canCreateBackup",
      "canRestore", "canRestoreFromAnotherVps",
    ].map { JSON.Member($0, $0 == "canStart" ? closedGate : openGate) }
  )

  static let vps: JSON = .object(vpsMembers)

  static let vpsDetails: JSON = .object(
    vpsMembers + [
      JSON.Member("hostname", "web1"),
      JSON.Member("createdAt", "2026-04-27T12:34:56.000Z"),
      JSON.Member(
        "network",
        [
          "isConfigured": true,
          "interfaces": [
            [
              "name": "eth0", "macAddress": "52:54:00:00:00:01", "dhcp4": false,
              "addresses": ["192.0.2.10/24"],
            ]
          ],
        ]
      ),
    ]
  )

  static let vpsStatus: JSON = [
    "id": "vps_01hxa3b4c5d6e7f8g9h0j1k2m3", "powerState": "running", "uptimeSeconds": 86_400,
    "memory": [
      "usedGb": .number("0.5"), "usedBytes": 500_000_000, "totalGb": .number("2.0"),
      "totalBytes": 2_000_000_000, "usagePercent": .number("25.0"),
    ],
    "storage": [
      "usedGb": .number("4.3"), "usedBytes": 4_294_967_296, "totalGb": .number("10.7"),
      "totalBytes": 10_737_418_240, "usagePercent": .number("40.0"),
    ],
    "pendingTasks": [
      [
        "id": "job_01hxa3b4c5d6e7f8g9h0j1k2m3", "type": "backup", "status": "in_progress",
        "progress": 41,
      ]
    ],
    "observedAt": "2026-04-27T12:34:56.000Z", "live": true,
  ]

  static let schedule: JSON = [
    "id": "bks_01hxa3b4c5d6e7f8g9h0j1k2m3", "name": "weekly", "frequency": "weekly",
    "time": "03:00", "daySpecifier": "sunday", "hour": 3, "dayOfWeek": 0, "dayOfMonth": .null,
    "retentionCount": 4, "enabled": true, "nextRunAt": "2026-05-03T03:00:00.000Z",
    "lastRun": [
      "dueAt": "2026-04-26T03:00:00.000Z", "at": "2026-04-26T03:00:04.000Z",
      "outcome": "started", "jobId": "job_01hxa3b4c5d6e7f8g9h0j1k2m3", "status": "completed",
      "code": .null, "reason": .null,
    ],
  ]

  private static let vpsMembers: [JSON.Member] = [
    JSON.Member("id", "vps_01hxa3b4c5d6e7f8g9h0j1k2m3"),
    JSON.Member("name", "web1"),
    JSON.Member("primaryIp", "192.0.2.10"),
    JSON.Member("serviceStatus", "active"),
    JSON.Member("powerState", "running"),
    JSON.Member(
      "operatingSystem",
      ["displayName": "Debian GNU/Linux 12 (bookworm)", "family": "debian", "version": "12"]
    ),
    JSON.Member(
      "resources",
      [
        "cpuCores": 2, "memoryGb": .number("2.1"), "memoryBytes": 2_147_483_648,
        "storageGb": .number("10.0"), "storageBytes": 10_737_418_240,
      ]
    ),
    JSON.Member("actions", gates),
  ]

  static let backup: JSON = .object(backupMembers)

  static let restoreSource: JSON = [
    "id": "vps_01j0b3c4d5e6f7g8h9j0k1m2n3", "name": "web0", "serviceStatus": "active",
    "sourceType": "server",
    "backups": [
      .object(
        backupMembers + [
          JSON.Member(
            "restorable",
            [
              "allowed": true, "reason": .null, "code": .null,
              "disks": [["source": "vda", "target": "vda"]],
            ]
          )
        ]
      )
    ],
  ]

  static let job: JSON = [
    "operation": operation,
    "success": true,
    "timestamp": "2026-04-27T12:35:10.000Z",
    "requestId": "req_01hxa3b4c5d6e7f8g9h0j1k2m3",
    "data": [
      "jobId": "job_01hxa3b4c5d6e7f8g9h0j1k2m3", "type": "restore", "state": "running",
      "status": "in_progress", "progress": 41,
      "progressDetails": [
        "percentage": 41, "message": "staging", "current": 524_288_000, "total": 1_610_612_736,
      ],
      "progressMessage": "staging", "result": .null, "isCompleted": false, "isFailed": false,
      "isRunning": true, "isWaiting": false, "createdAt": "2026-04-27T12:34:56.000Z",
      "finishedAt": .null, "jobName": "Restore backup from another VPS",
      "vmId": "vps_01hxa3b4c5d6e7f8g9h0j1k2m3",
    ],
  ]

  static let operation: JSON = [
    "status": "in_progress",
    "jobId": "job_01hxa3b4c5d6e7f8g9h0j1k2m3",
    "pollUrl": "/api/jobs/job_01hxa3b4c5d6e7f8g9h0j1k2m3",
    "progress": [
      "percent": 41, "step": "stage", "bytesDone": 524_288_000, "bytesTotal": 1_610_612_736,
      "bytesPerSecond": 262_144_000, "message": "staging",
    ],
    "createdAt": "2026-04-27T12:34:56.000Z",
    "startedAt": "2026-04-27T12:34:57.000Z",
    "finishedAt": .null,
  ]

  private static let openGate: JSON = ["allowed": true, "reason": .null, "code": .null]
  private static let closedGate: JSON = [
    "allowed": false, "reason": "The VPS's power state doesn't allow it now.",
    "code": "power_state_unsettled",
  ]

  private static let backupMembers: [JSON.Member] = [
    JSON.Member("id", "bkp_01hxa3b4c5d6e7f8g9h0j1k2m3"),
    JSON.Member(
      "displayId",
      "2026-04-27T12:00:00.000Z (vm/vps_01j0b3c4d5e6f7g8h9j0k1m2n3/2026-04-27T12:00:00Z)"
    ),
    JSON.Member("storageKey", "vm/vps_01j0b3c4d5e6f7g8h9j0k1m2n3/2026-04-27T12:00:00Z"),
    JSON.Member("createdAt", "2026-04-27T12:00:00.000Z"),
    JSON.Member("sizeGb", .number("10.7")),
    JSON.Member("sizeBytes", 10_737_418_240),
    JSON.Member("backupType", "manual"),
    JSON.Member("state", "complete"),
    JSON.Member("note", "before the update"),
    JSON.Member("expiresAt", .null),
  ]
}
