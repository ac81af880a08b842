import Hypervisor
import Model
import Testing

struct HypervisorErrorTests {
  @Test(arguments: [
    (HypervisorError.unavailable(""), true),
    (.timedOut(operation: ""), true),
    (.agentUnavailable, true),
    (.domainMissing(""), false),
    (.refused(operation: "", message: ""), false),
    (.invalidXML(""), false),
  ])
  func `only what can pass by itself is transient`(error: HypervisorError, isTransient: Bool) {
    #expect(error.isTransient == isTransient)
  }

  @Test(arguments: [
    HypervisorError.unavailable("/run/libvirt-sock: no"), .timedOut(operation: "start"),
    .agentUnavailable, .domainMissing("/a"), .invalidXML("/srv/a: no"),
    .refused(operation: "start", message: "can't open '/srv/other.qcow2'"),
  ])
  func `what clients are told names nothing of the host`(_ error: HypervisorError) {
    #expect(!error.publicReason.isEmpty && !error.publicReason.contains("/"))
  }

  @Test func `the texts of states are stored and must not change`() {
    let texts = DomainState.allCases.map(\.rawValue)
    #expect(
      texts == [
        "running", "stopped", "starting", "stopping", "paused", "paused-on-error", "crashed",
        "suspended", "unknown",
      ]
    )
  }
}
