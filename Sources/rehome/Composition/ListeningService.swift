import ServiceLifecycle

/// A service that listens, and says where when it ends badly: mostly the port is somebody else's.
struct ListeningService: Service {
  /// What listens.
  let service: any Service
  /// The settings that say where, such as `api`.
  let section: String
  /// The address.
  let host: String
  /// The port.
  let port: Int

  func run() async throws {
    do {
      try await service.run()
    } catch let error as CancellationError {
      throw error
    } catch {
      throw CommandFailure.stopped(
        "What listens at \(host), port \(port), ended: \(error). "
          + "\(section).host and \(section).port say where."
      )
    }
  }
}
