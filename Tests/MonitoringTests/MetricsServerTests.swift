import Logging
import Model
import Monitoring
import ServiceLifecycle
import TestSupport
import Testing

/// The listener of the metrics, asked over a socket.
@Suite struct MetricsServerTests {
  @Test func `metrics are answered on their own listener, and nothing else is`() async throws {
    let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
    let server = MetricsServer(
      host: "127.0.0.1",
      port: 0,
      text: { ExpositionText.of([MetricFamily(.queueAge, 7)]) },
      logger: .quiet,
      onServerRunning: { continuation.yield($0) }
    )
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(services: [server.service], logger: .quiet)
    )
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask { try await group.run() }
      let port = try #require(await ports.first { _ in true })
      let answer = try await TestProcess.run(
        "curl",
        ["-sS", "-i", "--max-time", "30", "http://127.0.0.1:\(port)/metrics"]
      )
      #expect(answer.hasPrefix("HTTP/1.1 200"))
      #expect(answer.contains("text/plain; version=0.0.4; charset=utf-8"))
      #expect(answer.hasSuffix("\nrehome_job_queue_age_seconds 7\n"))
      let other = try await TestProcess.run(
        "curl",
        ["-sS", "-i", "--max-time", "30", "http://127.0.0.1:\(port)/api/v2/vps"]
      )
      #expect(other.hasPrefix("HTTP/1.1 404"))
      await group.triggerGracefulShutdown()
      try await tasks.waitForAll()
    }
  }
}
