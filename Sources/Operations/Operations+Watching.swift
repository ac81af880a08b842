import Catalog
package import Model

/// What those who watch jobs need to know at a moment.
package struct WatchedJobs: Sendable {
  /// The jobs that are still there.
  package var jobs: [JobID: Job]
  /// The keys that still open something.
  package var usableKeys: Set<KeyID>
}

extension Operations {
  /// How jobs stand and which keys still open something: one look for everybody who watches.
  package func watched(
    jobs: Set<JobID>,
    keys: Set<KeyID>
  ) async throws(Refusal) -> WatchedJobs {
    let now = clock.now()
    return try await read { transaction in
      var watched = WatchedJobs(jobs: [:], usableKeys: [])
      for id in jobs { watched.jobs[id] = try transaction.job(id) }
      for id in keys {
        guard let found = try transaction.key(id), found.key.isUsable(at: now) else { continue }
        watched.usableKeys.insert(id)
      }
      return watched
    }
  }
}
