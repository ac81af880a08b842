import ArgumentParser
import Catalog
import Foundation
import Model
import Restore

/// `rehome recover`.
struct RecoverCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recover",
    abstract: "Makes disks whole that a crash left half exchanged, before libvirt starts.",
    discussion: """
      Only machines of several disks can be left so. It asks nobody but the catalog and the files, \
      and is safe to repeat; rehome-recover.service runs it at each boot. What else a cut off restore \
      needs is done by the server when it starts.
      """
  )

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let settings = try await options.settings()
    let layout = DataLayout(settings)
    // At the first boot there is nothing yet, and a file system that isn't there gets no new catalog.
    guard FileManager.default.fileExists(atPath: layout.catalogPath) else {
      return Console(isJSON: options.json).show(.list([])) {
        "There is no catalog in \(layout.root.path) yet, so no exchange was cut off."
      }
    }
    try await layout.prepare()
    let catalog = try await layout.openCatalog(logger: ProgramLog.quiet(settings.logLevel))
    try await WorkerParts.requireNoOther(settings.node.name, layout)
    let recovery = FileRecovery(catalog: catalog, node: settings.node.name)
    let findings: [FileRecovery.Finding]
    do throws(CatalogFault) {
      findings = try await recovery.run()
    } catch .failed(let error) {
      throw CommandFailure.catalog(error)
    } catch .refused(let refusal) {
      throw CommandFailure.refused(refusal)
    }
    Console(isJSON: options.json).show(.list(findings.map(\.json))) {
      findings.isEmpty
        ? "No exchange was cut off." : findings.map(\.words).joined(separator: "\n")
    }
    guard findings.allSatisfy({ !$0.isUnclear }) else {
      throw CommandFailure.stopped("Look at these disks before you start their machines.")
    }
  }
}

extension FileRecovery.Finding {
  fileprivate var isUnclear: Bool {
    if case .unclear = outcome { true } else { false }
  }

  fileprivate var json: JSONValue {
    let (word, count, reason): (String, Int64, String?) =
      switch outcome {
      case .whole: ("whole", 0, nil)
      case .moved(let count): ("moved", Int64(count), nil)
      case .unclear(let reason): ("unclear", 0, reason)
      }
    return [
      "jobId": JSONValue(job), "vpsId": JSONValue(vps), "outcome": .text(word),
      "disksMoved": .integer(count), "reason": JSONValue(reason),
    ]
  }

  fileprivate var words: String {
    switch outcome {
    case .whole: "\(vps): its disks belong together."
    case .moved(let count):
      "\(vps): \(count) of its disks \(count == 1 ? "was" : "were") exchanged, as \(job) wanted."
    case .unclear(let reason): "\(vps): \(reason). Don't start it: look at \(job)."
    }
  }
}
