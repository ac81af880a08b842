import CLibvirt
import Synchronization

/// A connection to one libvirt daemon.
@safe
package final class Connection: Sendable {
  // libvirt's connections are reference-counted and may be shared by threads; the pointer never
  // changes.
  nonisolated(unsafe) let pointer: OpaquePointer
  let registrations = Mutex(Registrations())

  /// Opens a connection for reading and writing.
  ///
  /// Blocks for as long as the daemon takes to answer, which can be for ever if it hangs.
  /// - Parameters:
  ///   - uri: Which daemon, for example `qemu:///system`.
  ///   - keepAliveInterval: Seconds between two signs of life that the daemon must answer.
  ///   - keepAliveCount: How many may stay unanswered before the connection counts as lost.
  /// - Throws: What libvirt says if there is no daemon or it doesn't want us.
  package init(
    uri: String,
    keepAliveInterval: Int32 = 5,
    keepAliveCount: UInt32 = 3
  ) throws(LibvirtError) {
    EventLoop.start()
    unsafe pointer = try unsafe LibvirtError.check(virConnectOpen(uri), "virConnectOpen")
    // 1 means that this driver has no keep-alive, which is no reason to do without libvirt.
    unsafe virConnectSetKeepAlive(pointer, keepAliveInterval, keepAliveCount)
  }

  /// Tells the daemon goodbye, which blocks: the last reference must go on a thread that may.
  deinit {
    // A callback holds a reference of libvirt's, without this the socket would stay open.
    removeCallbacks()
    unsafe virConnectClose(pointer)
  }

  /// Whether the connection could carry a call, as far as can be told without making one.
  package var isAlive: Bool {
    unsafe virConnectIsAlive(pointer) == 1
  }

  /// The host's name, as libvirt knows it.
  package func hostname() throws(LibvirtError) -> String {
    try unsafe LibvirtError.check(virConnectGetHostname(pointer), "virConnectGetHostname")
  }

  /// The daemon's version, as 1 000 000 × major + 1 000 × minor + release.
  package func libvirtVersion() throws(LibvirtError) -> UInt {
    var version: UInt = 0
    try unsafe LibvirtError.check(
      virConnectGetLibVersion(pointer, &version),
      "virConnectGetLibVersion"
    )
    return version
  }

  /// QEMU's version, counted as the daemon's; 0 if unknown.
  package func hypervisorVersion() throws(LibvirtError) -> UInt {
    var version: UInt = 0
    try unsafe LibvirtError.check(virConnectGetVersion(pointer, &version), "virConnectGetVersion")
    return version
  }

  /// The number of processors and the bytes of memory of the host.
  package func nodeInformation() throws(LibvirtError) -> (processors: Int, memoryBytes: Int) {
    var information = virNodeInfo()
    try unsafe LibvirtError.check(virNodeGetInfo(pointer, &information), "virNodeGetInfo")
    return (Int(information.cpus), Int(information.memory) * 1024)
  }
}
