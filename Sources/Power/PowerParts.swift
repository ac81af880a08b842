package import Catalog
package import Hypervisor
package import Logging
import Model
package import Operations

/// What an installation decides about power actions.
package struct PowerSettings: Sendable {
  /// How long a guest may take to shut down.
  package var shutdownTimeout: Duration
  /// How long QEMU may take to end.
  package var destroyTimeout: Duration
  /// How long a start waits for a backup that keeps the disks of the stopped machine.
  package var startPatience: Duration

  /// Makes settings; the defaults are the documented ones.
  package init(
    shutdownTimeout: Duration = .seconds(60),
    destroyTimeout: Duration = Limits.destroyTimeout,
    startPatience: Duration = Limits.startPatience
  ) {
    self.shutdownTimeout = shutdownTimeout
    self.destroyTimeout = destroyTimeout
    self.startPatience = startPatience
  }
}

/// Everything a power action works with.
package struct PowerParts: Sendable {
  package var catalog: any Catalog
  package var hypervisor: any Hypervisor
  package var observer: HostObserver
  package var settings: PowerSettings
  /// What it waits with.
  package var timer: any Clock<Duration>
  package var logger: Logger

  /// Collects the parts.
  package init(
    catalog: any Catalog,
    hypervisor: any Hypervisor,
    observer: HostObserver,
    settings: PowerSettings = PowerSettings(),
    timer: any Clock<Duration> = ContinuousClock(),
    logger: Logger
  ) {
    self.catalog = catalog
    self.hypervisor = hypervisor
    self.observer = observer
    self.settings = settings
    self.timer = timer
    self.logger = logger
  }
}
