internal import Logging

extension LocalDatastore {
  /// Keeps room for cleaning up, or gives it away when the file system is full; to be called now and
  /// then.
  package func tendReserve() async throws(DatastoreError) {
    let layout = layout
    let step = try await files.run { calls throws(DatastoreError) in
      try Self.tendReserve(layout, calls)
    }
    switch step {
    case .nothing: break
    case .make: logger.info("reserve made", metadata: ["path": "\(layout.reserve)"])
    case .release:
      logger.error(
        "the datastore's file system is full, its reserve is given away",
        metadata: ["path": "\(layout.reserve)"]
      )
    }
  }

  /// The same where the store is being opened; blocks.
  @discardableResult
  static func tendReserve(
    _ layout: StoreLayout,
    _ calls: FileCalls
  ) throws(DatastoreError) -> StoreReserve.Step {
    let space = try calls.space(at: layout.root)
    let reserve = StoreReserve(totalBytes: space.totalBytes)
    let isThere = try calls.status(layout.reserve) != nil
    let step = reserve.step(freeBytes: space.freeBytes, isThere: isThere)
    switch step {
    case .nothing:
      break
    case .release:
      try calls.removeFile(layout.reserve)
    case .make:
      do throws(DatastoreError) {
        try calls.allocate(layout.reserve, count: Int(reserve.byteCount))
      } catch .outOfSpace {
        // Somebody was faster: half a reserve would only be in the way.
        try calls.removeFile(layout.reserve)
        return .nothing
      }
    }
    return step
  }
}
