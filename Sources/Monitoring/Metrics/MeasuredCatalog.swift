package import Catalog
package import CoreMetrics
import Model

/// A catalog that counts and times what is asked of it.
package struct MeasuredCatalog: Catalog {
  private let catalog: any Catalog
  private let reads: TransactionFigures
  private let writes: TransactionFigures

  /// Makes a catalog that does what `catalog` does.
  package init(_ catalog: any Catalog, metrics: any MetricsFactory) {
    self.catalog = catalog
    reads = TransactionFigures(mode: "read", metrics)
    writes = TransactionFigures(mode: "write", metrics)
  }

  package func read<Value: Sendable>(
    _ body: @escaping @Sendable (any CatalogTransaction) throws -> Value
  ) async throws(CatalogFault) -> Value {
    let start = reads.begin()
    do throws(CatalogFault) {
      let value = try await catalog.read(body)
      reads.end(start)
      return value
    } catch {
      reads.end(start, error)
      throw error
    }
  }

  package func write<Value: Sendable>(
    _ body: @escaping @Sendable (any CatalogTransaction) throws -> Value
  ) async throws(CatalogFault) -> Value {
    let start = writes.begin()
    do throws(CatalogFault) {
      let value = try await catalog.write(body)
      writes.end(start)
      return value
    } catch {
      writes.end(start, error)
      throw error
    }
  }

  package func check() async throws(CatalogFault) {
    let start = reads.begin()
    do throws(CatalogFault) {
      try await catalog.check()
      reads.end(start)
    } catch {
      reads.end(start, error)
      throw error
    }
  }

  package func version() -> CatalogVersion? { catalog.version() }
}

/// The instruments of one way to use the catalog.
private struct TransactionFigures: Sendable {
  private let duration: CoreMetrics.Timer
  private let inFlight: Meter
  private let busy: Counter
  private let constraint: Counter
  private let failed: Counter

  init(mode: String, _ factory: any MetricsFactory) {
    duration = CoreMetrics.Timer(
      label: MetricName.catalogDuration.rawValue,
      dimensions: [("mode", mode)],
      factory: factory
    )
    inFlight = Meter(
      label: MetricName.catalogInFlight.rawValue,
      dimensions: [("mode", mode)],
      factory: factory
    )
    func faults(_ fault: String) -> Counter {
      Counter(
        label: MetricName.catalogFaults.rawValue,
        dimensions: [("fault", fault)],
        factory: factory
      )
    }
    busy = faults("busy")
    constraint = faults("constraint")
    failed = faults("failed")
  }

  func begin() -> ContinuousClock.Instant {
    inFlight.increment()
    return .now
  }

  /// A refusal is an answer, not a fault.
  func end(_ start: ContinuousClock.Instant, _ fault: CatalogFault? = nil) {
    inFlight.decrement()
    duration.recordNanoseconds((.now - start).nanoseconds)
    switch fault {
    case nil, .refused: break
    case .failed(.busy): busy.increment()
    case .failed(.constraint): constraint.increment()
    case .failed(.newerSchema), .failed(.failed): failed.increment()
    }
  }
}
