import Datastore
import Disks

extension Settings.Storage {
  /// Opens the datastore for a command, which makes few calls.
  func openDatastore() async throws(CommandFailure) -> LocalDatastore {
    let executor = BlockingExecutor(label: "rehome.datastore", width: 2)
    let (path, sync) = (datastorePath, sync)
    do throws(DatastoreError) {
      return try await executor.run { () throws(DatastoreError) in
        try LocalDatastore(path: path, sync: sync, executor: executor)
      }
    } catch {
      throw .datastore(error)
    }
  }
}
