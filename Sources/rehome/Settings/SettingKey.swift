/// Every configuration key: the one list that reading, `doctor` and the reference page lean on.
///
/// Names are stable: scripts and files of operators hold them.
enum SettingKey: String, CaseIterable, Sendable {
  case apiHost = "api.host"
  case apiPort = "api.port"
  case apiIdleTimeout = "api.idleTimeout"
  case apiHeadTimeout = "api.headTimeout"
  case apiBodyTimeout = "api.bodyTimeout"
  case apiDrainTimeout = "api.drainTimeout"
  case apiMaxConnections = "api.maxConnections"
  case apiMaxConnectionsPerAddress = "api.maxConnectionsPerAddress"
  case apiTLSCertificate = "api.tls.certificate"
  case apiTLSKey = "api.tls.key"
  case apiTrustedProxies = "api.trustedProxies"
  case apiForwardingHeader = "api.forwardingHeader"
  case limitsReadRate = "limits.read.rate"
  case limitsReadBurst = "limits.read.burst"
  case limitsWriteRate = "limits.write.rate"
  case limitsWriteBurst = "limits.write.burst"
  case limitsPowerRate = "limits.power.rate"
  case limitsPowerBurst = "limits.power.burst"
  case limitsAddressRate = "limits.address.rate"
  case limitsAddressBurst = "limits.address.burst"
  case dataPath = "data.path"
  case datastorePath = "datastore.path"
  case datastoreSync = "datastore.sync"
  case datastoreCollectEvery = "datastore.collectEvery"
  case datastoreVerifyEvery = "datastore.verifyEvery"
  case datastoreVerifyRate = "datastore.verifyRate"
  case libvirtURI = "libvirt.uri"
  case logFormat = "log.format"
  case logLevel = "log.level"
  case metricsHost = "metrics.host"
  case metricsPort = "metrics.port"
  case nodeName = "node.name"
  case workerEnabled = "worker.enabled"
  case workerConcurrency = "worker.concurrency"
  case powerShutdownTimeout = "power.shutdownTimeout"
  case backupRate = "backup.rate"
  case backupIOPriority = "backup.ioPriority"
  case restoreStrategy = "restore.strategy"
  case restoreUndoWindow = "restore.undoWindow"
  case restoreShutdownTimeout = "restore.shutdownTimeout"
  case restoreConfirmTimeout = "restore.confirmTimeout"
  case restoreAttempts = "restore.attempts"
  case restoreAllowInPlace = "restore.allowInPlace"
  case restoreVerify = "restore.verify"
  case restoreClone = "restore.clone"
  case restoreFirstBootFilter = "restore.firstBootFilter"
  case restoreFreeReserve = "restore.freeReserve"
  case restoreRate = "restore.rate"
  case restoreIOPriority = "restore.ioPriority"
  case problemsTypeBase = "problems.typeBase"

  /// What a value of this key looks like.
  enum Kind: Sendable {
    case text
    case number(ClosedRange<Int>)
    case truth
    case duration
    case rate
    case choice([String])
    /// Where a file is.
    case file
    /// Blocks of addresses, parted by commas.
    case networks

    /// The kind in words for people.
    var words: String {
      switch self {
      case .text: "a text"
      case .number(let range): "a number from \(range.lowerBound) to \(range.upperBound)"
      case .truth: "true or false"
      case .duration: "a duration such as 60s, 5m, 24h or 90d"
      case .rate: "bytes a second such as 200K, 50M or 1G, or none"
      case .choice(let names): "one of \(names.joined(separator: ", "))"
      case .file: "the path of a file"
      case .networks: "addresses or blocks such as 10.0.0.0/8 or 2001:db8::/32, parted by commas"
      }
    }
  }

  /// The value when nobody says anything; nil when it follows from another key, or nothing does.
  var defaultText: String? {
    switch self {
    case .apiHost: "127.0.0.1"
    case .apiPort: "8080"
    case .apiIdleTimeout: "60s"
    case .apiHeadTimeout: "10s"
    case .apiBodyTimeout: "20s"
    case .apiDrainTimeout: "20s"
    case .apiMaxConnections: "2048"
    case .apiMaxConnectionsPerAddress: "128"
    case .apiForwardingHeader: "x-forwarded-for"
    case .limitsReadRate: "1200"
    case .limitsReadBurst: "300"
    case .limitsWriteRate: "120"
    case .limitsWriteBurst: "60"
    case .limitsPowerRate: "60"
    case .limitsPowerBurst: "20"
    case .limitsAddressRate: "120"
    case .limitsAddressBurst: "60"
    case .apiTLSCertificate, .apiTLSKey, .apiTrustedProxies: nil
    case .dataPath: "/var/lib/rehome"
    case .datastorePath: nil
    case .datastoreSync: "filesystem"
    case .datastoreCollectEvery: "24h"
    case .datastoreVerifyEvery: "30d"
    case .datastoreVerifyRate: "50M"
    case .libvirtURI: "qemu:///system"
    case .logFormat: "text"
    case .logLevel: "info"
    case .metricsHost: "127.0.0.1"
    case .metricsPort: nil
    case .nodeName: "local"
    case .workerEnabled: "true"
    case .workerConcurrency: "2"
    case .powerShutdownTimeout: "60s"
    case .backupRate: "none"
    case .backupIOPriority: "low"
    case .restoreStrategy: "staged"
    case .restoreUndoWindow: "24h"
    case .restoreShutdownTimeout: "60s"
    case .restoreConfirmTimeout: "180s"
    case .restoreAttempts: "3"
    case .restoreAllowInPlace: "false"
    case .restoreVerify: "readback"
    case .restoreClone: "true"
    case .restoreFirstBootFilter: "auto"
    case .restoreFreeReserve: "10"
    case .restoreRate: "none"
    case .restoreIOPriority: "normal"
    case .problemsTypeBase: "https://developer.hostup.se/errors/"
    }
  }

  /// What a value looks like.
  var kind: Kind {
    switch self {
    case .apiHost, .dataPath, .datastorePath, .libvirtURI, .metricsHost, .nodeName,
      .problemsTypeBase:
      .text
    case .apiPort, .metricsPort: .number(0...65535)
    case .apiIdleTimeout, .apiHeadTimeout, .apiBodyTimeout, .apiDrainTimeout: .duration
    case .apiMaxConnections, .apiMaxConnectionsPerAddress: .number(1...1_000_000)
    case .apiTLSCertificate, .apiTLSKey: .file
    case .apiTrustedProxies: .networks
    case .apiForwardingHeader: .choice(["x-forwarded-for", "forwarded"])
    case .limitsReadRate, .limitsReadBurst, .limitsWriteRate, .limitsWriteBurst, .limitsPowerRate,
      .limitsPowerBurst, .limitsAddressRate, .limitsAddressBurst:
      .number(1...60_000_000)
    case .datastoreSync: .choice(["filesystem", "file", "none"])
    case .logFormat: .choice(["text", "json"])
    case .logLevel: .choice(["trace", "debug", "info", "notice", "warning", "error", "critical"])
    case .workerEnabled: .truth
    case .workerConcurrency: .number(1...64)
    case .restoreStrategy: .choice(["staged", "in-place"])
    case .powerShutdownTimeout: .duration
    case .restoreUndoWindow, .restoreShutdownTimeout, .restoreConfirmTimeout: .duration
    case .restoreAttempts: .number(1...100)
    case .restoreVerify: .choice(["readback", "source-only"])
    case .restoreClone, .restoreAllowInPlace: .truth
    case .restoreFirstBootFilter: .choice(["auto", "off"])
    case .restoreFreeReserve: .number(1...50)
    case .datastoreCollectEvery, .datastoreVerifyEvery: .duration
    case .backupRate, .restoreRate, .datastoreVerifyRate: .rate
    case .backupIOPriority, .restoreIOPriority: .choice(["idle", "low", "normal"])
    }
  }

  /// What it decides, in one line.
  var summary: String {
    switch self {
    case .apiHost: "The address that the API listens on."
    case .apiPort: "The API's port; 0 lets the system choose one, which the log tells."
    case .apiIdleTimeout: "How long a connection is kept open without a request."
    case .apiHeadTimeout: "How long the first line and headers of a request may take."
    case .apiBodyTimeout: "How long the body of a request may take."
    case .apiDrainTimeout:
      "How long the end of serve waits for requests that it has begun to answer."
    case .apiMaxConnections: "How many connections there may be at the same time; more wait."
    case .apiMaxConnectionsPerAddress:
      "How many of them may come from one address; further ones are closed. Trusted proxies may any."
    case .apiTLSCertificate:
      "The certificate and its chain in PEM; without one connections aren't encrypted."
    case .apiTLSKey: "The certificate's private key in PEM."
    case .apiTrustedProxies: "The proxies whose word on a client's address is believed."
    case .apiForwardingHeader: "The header in which trusted proxies tell a client's address."
    case .limitsReadRate:
      "Requests a minute that a key may send in the long run to look at something."
    case .limitsReadBurst: "As many of these at once."
    case .limitsWriteRate:
      "Requests a minute that a key may send to change something or make a job."
    case .limitsWriteBurst: "As many of these at once."
    case .limitsPowerRate: "Requests a minute that a key may send to act on a VPS's power."
    case .limitsPowerBurst: "As many of these at once."
    case .limitsAddressRate: "Requests a minute without a valid key from one address."
    case .limitsAddressBurst: "As many of these at once."
    case .dataPath: "Where the catalog, the seeds and, unless told otherwise, the datastore are."
    case .datastorePath: "Where the datastore is; without a value it is datastore in data.path."
    case .datastoreSync: "How much of a finished backup is made safe against a loss of power."
    case .datastoreCollectEvery:
      "How long after a garbage collection the next one comes by itself; 0s: none does."
    case .datastoreVerifyEvery:
      "How long after its last verification a backup is verified again by itself; 0s: none is."
    case .datastoreVerifyRate: "How many bytes a second verification reads."
    case .libvirtURI: "The libvirt of this node."
    case .logFormat: "How a line of the server's log looks: for people, or one JSON object."
    case .logLevel: "The least important messages that the log on standard error has."
    case .metricsHost: "The address that the metrics listen on."
    case .metricsPort: "The port of the metrics; without a value nothing listens, 0 is a free one."
    case .nodeName: "The name of this host in the catalog."
    case .workerEnabled: "Whether serve also does this node's jobs."
    case .workerConcurrency:
      "How many backups, restores and undos this node's worker does at the same time."
    case .powerShutdownTimeout:
      "How long a guest may take to obey a shutdown or restart before that has failed."
    case .backupRate: "How many bytes a second all backups of this node read together."
    case .backupIOPriority:
      "How urgent the disk I/O of backups is to the kernel, where no server reads for them."
    case .restoreStrategy: "How a restore that asks for nothing gets the disk onto the target."
    case .restoreUndoWindow: "How long the former disk is kept after a restore."
    case .restoreShutdownTimeout: "How long a guest may take to shut down before it is destroyed."
    case .restoreConfirmTimeout: "How long a guest may take to show its addresses."
    case .restoreAttempts: "How often a job is tried before it has failed for good."
    case .restoreAllowInPlace:
      "Whether a restore may write a target's disks over where they are."
    case .restoreVerify: "Whether a staged disk is read back before it is exchanged."
    case .restoreClone: "Whether a stage may begin as a clone of the target's disk."
    case .restoreFreeReserve:
      "What a restore leaves free of the file system of the target's disks, in hundredths of it."
    case .restoreFirstBootFilter:
      "Whether a target on a bridge first boots another VPS's disk behind a network filter."
    case .restoreRate: "How many bytes a second all restores of this node move together."
    case .restoreIOPriority: "How urgent the disk I/O of restores is to the kernel."
    case .problemsTypeBase: "What the type of an API's problem begins with; the code follows."
    }
  }

  /// The environment variable: `REHOME_`, then the key in capitals with dots as underscores.
  var variable: String {
    "REHOME_" + rawValue.uppercased().replacing(".", with: "_")
  }

  /// The same with its words parted as well, as in `REHOME_RESTORE_UNDO_WINDOW`; it is what the
  /// configuration library looks for.
  var partedVariable: String {
    var name = "REHOME_"
    var isAfterLowercase = false
    for character in rawValue {
      if character.isUppercase, isAfterLowercase { name.append("_") }
      isAfterLowercase = character.isLowercase
      name += character == "." ? "_" : character.uppercased()
    }
    return name
  }
}
