import CoreMetrics
import Model
import Synchronization

/// How many connections each address has open: without a bound a few of them would take every place
/// that the server has.
///
/// There are never more entries than connections, which `ConnectionLimits` bounds.
final class ConnectionCounts: Sendable {
  /// What becomes of a new connection.
  enum Entry: Equatable {
    /// It counts until it leaves.
    case counted(AddressBlock)
    /// It comes from a proxy that is trusted, which speaks for many.
    case exempt
    /// Its address has as many as it may.
    case refused
  }

  private let maximum: Int
  private let exempt: [AddressRange]
  private let refusals: Counter
  private let open = Mutex<[AddressBlock: Int]>([:])

  /// - Parameters:
  ///   - maximum: Most connections of one address.
  ///   - exempt: Who may have any number.
  ///   - metrics: Where those that were refused are counted.
  init(maximum: Int, exempt: [AddressRange], metrics: any MetricsFactory) {
    self.maximum = maximum
    self.exempt = exempt
    refusals = Counter(label: MetricName.httpConnectionsRefused.rawValue, factory: metrics)
  }

  /// Counts a connection, if it may be.
  func enter(_ address: String?) -> Entry {
    if let address = address.flatMap({ IPAddress($0) }),
      exempt.contains(where: { $0.contains(address) })
    {
      return .exempt
    }
    let block = AddressBlock(address)
    let isCounted = open.withLock { open in
      guard open[block, default: 0] < maximum else { return false }
      open[block, default: 0] += 1
      return true
    }
    if isCounted { return .counted(block) }
    refusals.increment()
    return .refused
  }

  /// Lets go of a connection's place.
  func leave(_ block: AddressBlock) {
    open.withLock { open in
      guard let count = open[block] else { return }
      open[block] = count > 1 ? count - 1 : nil
    }
  }

  /// How many addresses have a connection open.
  var addresses: Int { open.withLock { $0.count } }
}
