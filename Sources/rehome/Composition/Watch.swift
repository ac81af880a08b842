import Catalog
import CoreMetrics
import Logging
import Model
import Monitoring
import Operations
import ServiceLifecycle

/// What tells how a server is doing: `/readyz`, and the metrics where they are asked for.
struct Watch: Sendable {
  /// How the parts stand.
  let readiness: Readiness
  private let figures: MetricRegistry

  /// Makes the watch of some parts; the figures that need the catalog are those of `catalog`.
  init(
    parts: [ReadinessPart],
    catalog: any Catalog,
    catalogPath: String,
    clock: any WallClock,
    figures: MetricRegistry
  ) {
    self.figures = figures
    let ofCatalog = CatalogFigures(
      catalog: catalog,
      path: catalogPath,
      clock: clock,
      metrics: figures
    )
    Meter(
      label: MetricName.buildInfo.rawValue,
      dimensions: [("version", ProgramVersion.text)],
      factory: figures
    ).set(1)
    readiness = Readiness(parts: parts.map { Self.part($0, ofCatalog) }, clock: clock)
  }

  /// How the parts stand now, as `/readyz` tells it: one that doesn't answer isn't ready, whatever the
  /// last look found.
  private static func note(_ problems: [String: String?], in figures: MetricRegistry) {
    for (part, problem) in problems {
      Meter(
        label: MetricName.partReady.rawValue,
        dimensions: [("part", part)],
        factory: figures
      ).set(problem == nil ? 1 : 0)
    }
  }

  /// What runs beside everything else; nobody listens for metrics unless the settings say where.
  func services(listening place: Settings.Metrics?, logger: Logger) -> [any Service] {
    guard let place else { return [readiness] }
    let (figures, readiness) = (figures, readiness)
    let server = MetricsServer(
      host: place.host,
      port: place.port,
      text: {
        Self.note(readiness.problems, in: figures)
        return ExpositionText.of(figures.families() + ProcessFigures().families())
      },
      logger: logger,
      onServerRunning: { port in
        logger.notice(
          "metrics listen",
          metadata: ["metrics.host": "\(place.host)", "metrics.port": "\(port)"]
        )
      }
    )
    return [
      readiness,
      ListeningService(
        service: server.service,
        section: "metrics",
        host: place.host,
        port: place.port
      ),
    ]
  }

  /// A look at the catalog also takes its figures: it is asked anyway, and a scrape never waits
  /// for it.
  private static func part(_ part: ReadinessPart, _ figures: CatalogFigures) -> ReadinessPart {
    guard part.name == "catalog" else { return part }
    return ReadinessPart(part.name, every: part.interval) {
      let state = await part.look()
      guard state == .ready else { return state }
      do throws(CatalogFault) {
        try await figures.collect()
        return .ready
      } catch {
        return .away("the catalog can't be read")
      }
    }
  }
}
