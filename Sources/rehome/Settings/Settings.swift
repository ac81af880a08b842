import API
import Datastore
import Logging
import Model
import Monitoring

/// The program's whole configuration, read and checked; nothing else is ever asked for a setting.
struct Settings: Sendable, Equatable {
  /// The HTTP door.
  struct API: Sendable, Equatable {
    var host: String
    var port: Int
    var typeBase: String
    /// Where its certificate and key are; nil: connections aren't encrypted.
    var tls: CertificateFiles?
    var connections = ConnectionLimits()
    var rates = RateLimits()
    var trustedProxies: [AddressRange] = []
    var forwardingHeader = ForwardingHeader.forwardedFor
  }

  /// Where the metrics listen.
  struct Metrics: Sendable, Equatable {
    var host: String
    var port: Int
  }

  /// What a worker does and how much of it.
  struct Worker: Sendable, Equatable {
    var isEnabled: Bool
    var concurrency: Int
    var attempts: Int
  }

  /// What an installation decides about power actions.
  struct Power: Sendable, Equatable {
    var shutdownTimeout: Duration
  }

  /// What an installation decides about restores.
  struct Restore: Sendable, Equatable {
    var strategy: RestoreStrategy
    var undoWindow: Duration
    var shutdownTimeout: Duration
    var confirmTimeout: Duration
    var allowsInPlace: Bool
    var verification: RestoreVerification
    var clonesDisks: Bool
    var firstBootFiltering: FirstBootFiltering
    var freeReserve: FreeReserve
    var bytesPerSecond: Int64?
    var ioPriority: IOPriority
  }

  /// What an installation decides about backups.
  struct Backup: Sendable, Equatable {
    /// What all backups of the node read together in a second; nil: no bound.
    var bytesPerSecond: Int64?
    var ioPriority: IOPriority
  }

  /// What is done to the datastore by itself.
  struct Care: Sendable, Equatable {
    /// How long after a collection the next one is; nil: none comes by itself.
    var collectEvery: Duration?
    /// How long after its last verification a backup is verified again; nil: none is by itself.
    var verifyEvery: Duration?
    /// What verification reads in a second; nil: no bound.
    var verifyBytesPerSecond: Int64?
  }

  /// Where things are.
  struct Storage: Sendable, Equatable {
    var dataPath: String
    var datastorePath: String
    var sync: SyncLevel
  }

  /// This host.
  struct Node: Sendable, Equatable {
    var name: String
    var libvirtURI: String
  }

  var api: API
  var worker: Worker
  var power: Power
  var backup: Backup
  var restore: Restore
  var storage: Storage
  var care: Care
  var node: Node
  var logLevel: Logger.Level
  var logFormat: LogFormat
  /// Nil: nothing listens.
  var metrics: Metrics?
  /// The file that was read; nil: there was none.
  var file: String?
  /// Variables of the environment that look like settings and are none.
  var unknownVariables: [String] = []
}
