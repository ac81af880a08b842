import Foundation
import Libvirt
import Synchronization

extension LibvirtHypervisor {
  package func usage(
    of reference: DomainReference,
    within limit: Duration
  ) async throws(HypervisorError) -> DomainUsage {
    let calls = usageCalls
    // It would keep a second thread for as long as the first one.
    guard !calls.areMade(for: reference) else { throw .timedOut(operation: "usage") }
    let picture = try await call("usage", on: reference, within: limit) {
      connection throws(LibvirtError) in
      try calls.made(for: reference) { () throws(LibvirtError) in
        try UsagePicture(of: try connection.domain(reference))
      }
    }
    guard let definition = picture.definition else {
      throw .invalidXML("the definition of \(reference.name) can't be read")
    }
    // What the guest tells is never believed beyond what its definition gives it.
    let total = min(picture.balloon?.available ?? definition.memoryBytes, definition.memoryBytes)
    // A disk that doesn't tell, such as one on a network, makes the sum a wrong one.
    let isWhole = picture.sizes.count == definition.inactiveDisks.count(where: \.isDataDisk)
    return DomainUsage(
      state: picture.state,
      uptimeSeconds: picture.uptimeSeconds,
      memoryTotalBytes: total,
      memoryUsedBytes: picture.balloon?.used.map { min(total, max(0, $0)) },
      storageTotalBytes: picture.sizes.reduce(0) { $0 + $1.capacity },
      storageUsedBytes: isWhole ? picture.sizes.reduce(0) { $0 + $1.allocation } : nil
    )
  }
}

/// The domains whose use libvirt is being asked for, for as long as it hasn't answered: a machine that
/// hangs keeps the call long after its asker has gone.
final class UsageCalls: Sendable {
  private let domains = Mutex<Set<DomainReference>>([])

  func areMade(for domain: DomainReference) -> Bool {
    domains.withLock { $0.contains(domain) }
  }

  fileprivate func made<Value>(
    for domain: DomainReference,
    _ call: () throws(LibvirtError) -> Value
  ) throws(LibvirtError) -> Value {
    domains.withLock { _ = $0.insert(domain) }
    defer { domains.withLock { _ = $0.remove(domain) } }
    return try call()
  }
}

/// What libvirt and the host say of a domain's use.
private struct UsagePicture: Sendable {
  let state: DomainState
  /// Nil when it can't be read.
  let definition: DomainXML?
  let sizes: [(capacity: Int64, allocation: Int64)]
  private(set) var balloon: BalloonStatistics?
  private(set) var uptimeSeconds: Int64?

  init(of domain: Domain) throws(LibvirtError) {
    let (number, reason) = try domain.state()
    state = DomainState(number, reason: reason)
    let xml = try domain.xml(.inactive)
    definition = try? DomainXML.parse(live: nil, inactive: xml)
    var sizes: [(capacity: Int64, allocation: Int64)] = []
    for disk in definition?.inactiveDisks.filter(\.isDataDisk) ?? [] {
      do throws(LibvirtError) {
        sizes.append(try domain.blockInformation(of: disk.targetDevice))
      } catch {
        // Storage that doesn't tell; the caller counts.
        continue
      }
    }
    self.sizes = sizes
    guard state.isActive else { return }
    uptimeSeconds = QEMUProcess.uptimeSeconds(ofDomain: domain.uuid)
    do throws(LibvirtError) {
      balloon = try domain.balloonStatistics()
    } catch {
      // It stopped since, or has no balloon: then its use of memory isn't known.
      return
    }
  }
}

extension BalloonStatistics {
  /// What the guest uses; nil when its driver hasn't told lately enough to say so.
  fileprivate var used: Int64? {
    guard let available, let updatedAt, updatedAt > 0, let free = usable ?? unused else {
      return nil
    }
    return available - min(available, free)
  }
}

/// The QEMU of a domain as the host's process table shows it.
///
/// libvirt has no call for when a domain was started, but QEMU's command line names its UUID and
/// the kernel remembers when the process began.
enum QEMUProcess {
  /// How many seconds the domain's QEMU has run; nil if it can't be seen from here.
  static func uptimeSeconds(ofDomain uuid: String) -> Int64? {
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: "/proc") else {
      return nil
    }
    for name in names where name.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
      guard runs(uuid, in: name) else { continue }
      return age(of: name)
    }
    return nil
  }

  private static func runs(_ uuid: String, in process: String) -> Bool {
    guard let data = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") else {
      return false
    }
    let arguments = data.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    guard arguments.first?.contains("qemu") == true,
      let place = arguments.firstIndex(of: "-uuid"), place + 1 < arguments.count
    else { return false }
    return arguments[place + 1].lowercased() == uuid.lowercased()
  }

  /// From the process's start, which is the 22nd field and counts clock ticks since the host's boot.
  private static func age(of process: String) -> Int64? {
    guard let line = text(of: "/proc/\(process)/stat"),
      // The second field is a name in brackets that may hold anything.
      let bracket = line.lastIndex(of: ")"),
      let host = text(of: "/proc/uptime")?.split(separator: " ").first.flatMap({ Double($0) })
    else { return nil }
    let fields = line[line.index(after: bracket)...].split(separator: " ")
    guard fields.count > 19, let ticks = Double(fields[19]) else { return nil }
    return Int64(max(0, host - ticks / ticksPerSecond))
  }

  /// `USER_HZ`: part of Linux's interface to programs, and 100 on every architecture that runs KVM.
  private static let ticksPerSecond = 100.0

  private static func text(of path: String) -> String? {
    FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
  }
}
