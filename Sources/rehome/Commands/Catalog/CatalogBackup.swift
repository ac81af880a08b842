import ArgumentParser
import Catalog
import Disks
import Foundation
import Logging

/// `rehome catalog backup FILE`.
struct CatalogBackup: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "backup",
    abstract: "Copies the catalog as it is at one moment, while everything goes on.",
    discussion: """
      To go back to a copy, stop the server, put it in the place of catalog.sqlite without the \
      -wal and -shm files beside it, and start. Backups that are newer than the copy are found in \
      the datastore and taken up; jobs that are newer are forgotten.
      """
  )

  @Argument(help: "The file to make; it must not be there yet.", completion: .file())
  var file: String

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let settings = try await options.settings()
    let layout = DataLayout(settings)
    let catalog = try await layout.openCatalog(logger: ProgramLog.quiet(settings.logLevel))
    let path = URL(filePath: file).standardized.path(percentEncoded: false)
    try await copy(catalog, to: path)
    Console(isJSON: options.json).show(["path": .text(path)]) {
      "The catalog is copied to \(path)."
    }
  }

  private func copy(_ catalog: SQLiteCatalog, to path: String) async throws(CommandFailure) {
    do throws(CatalogError) {
      try await BlockingExecutor(label: "rehome.copy", width: 1).run { () throws(CatalogError) in
        try catalog.copy(to: path)
      }
    } catch {
      throw .catalog(error)
    }
  }
}
