package import Catalog

/// Why a handler may do nothing more for now.
package enum JobInterruption: Error, Sendable, Equatable {
  /// The job is somebody else's now, or this worker is ending: go, and leave things as they are.
  case leaseLost
  /// The catalog failed, so nothing can be journaled.
  case catalog(CatalogError)
}
