package import Catalog

/// Why a worker can't start.
package enum WorkerFault: Error, Sendable, Equatable, CustomStringConvertible {
  /// Another worker of this node runs on this host.
  case alreadyRunning(node: String, lockPath: String)
  /// The directory of lock files can't be used.
  case locks(path: String, reason: String)
  /// The catalog can't be used.
  case catalog(CatalogError)

  package var description: String {
    switch self {
    case .alreadyRunning(let node, let path):
      "a worker of the node \(node) is running already: it holds \(path)"
    case .locks(let path, let reason): "lock files can't be made in \(path): \(reason)"
    case .catalog(let error): "the catalog can't be used: \(error)"
    }
  }
}
