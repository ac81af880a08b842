package import Catalog
package import Datastore
package import Disks
package import Hypervisor
package import Logging
package import Model
package import Operations

/// The moments of a backup at which a test may kill the process.
///
/// Names are stable.
package enum BackupMoment: String, Sendable, CaseIterable {
  case sessionBegun = "backup-session"
  case duringRead = "backup-read"
  case beforeManifest = "backup-before-manifest"
}

/// Everything a backup works with.
package struct BackupParts: Sendable {
  package var catalog: any Catalog
  package var datastore: LocalDatastore
  package var hypervisor: any Hypervisor
  package var observer: HostObserver
  package var buffers: BufferPool
  package var clock: any WallClock
  /// Where sockets and scratch files of jobs stand.
  package var runtimeDirectory: String
  package var logger: Logger
  /// Called at each moment; does nothing but in tests.
  package var reached: @Sendable (BackupMoment) async -> Void

  /// Collects the parts.
  package init(
    catalog: any Catalog,
    datastore: LocalDatastore,
    hypervisor: any Hypervisor,
    observer: HostObserver,
    buffers: BufferPool,
    clock: any WallClock,
    runtimeDirectory: String,
    logger: Logger,
    reached: @escaping @Sendable (BackupMoment) async -> Void = { _ in }
  ) {
    self.catalog = catalog
    self.datastore = datastore
    self.hypervisor = hypervisor
    self.observer = observer
    self.buffers = buffers
    self.clock = clock
    self.runtimeDirectory = runtimeDirectory
    self.logger = logger
    self.reached = reached
  }
}
