import ArgumentParser
import Datastore

/// `rehome datastore status`.
struct DatastoreStatusCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Shows what the datastore holds and how much room it has."
  )

  @OptionGroup var options: GlobalOptions

  func run() async throws {
    let settings = try await options.settings()
    let status = try await look(settings)
    Console(isJSON: options.json).show(status.json) { status.words }
  }

  private func look(_ settings: Settings) async throws(CommandFailure) -> DatastoreStatus {
    let store = try await settings.storage.openDatastore()
    do throws(DatastoreError) {
      return try await store.status()
    } catch {
      throw .datastore(error)
    }
  }
}

extension DatastoreStatus {
  fileprivate var json: JSONValue {
    [
      "path": .text(path), "totalBytes": .integer(totalBytes), "freeBytes": .integer(freeBytes),
      "snapshotCount": JSONValue(snapshotCount), "unfinishedCount": JSONValue(unfinishedCount),
      "estimatedChunkCount": JSONValue(estimatedChunkCount),
      "estimatedChunkBytes": .integer(estimatedChunkBytes),
    ]
  }

  fileprivate var words: String {
    var fields = Fields()
    fields.add("Datastore", path)
    fields.add("Snapshots", "\(snapshotCount)")
    fields.add("Unfinished", unfinishedCount == 0 ? nil : "\(unfinishedCount)")
    fields.add(
      "Chunks",
      "about \(estimatedChunkCount), \(ByteText.of(estimatedChunkBytes))"
    )
    fields.add("Free", "\(ByteText.of(freeBytes)) of \(ByteText.of(totalBytes))")
    return fields.text
  }
}
