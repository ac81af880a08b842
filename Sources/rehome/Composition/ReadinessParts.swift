import CoreMetrics
import Disks
import Hypervisor
import Model
import Operations

extension ReadinessPart {
  /// Whether the datastore can take a backup: it can be written, and has room.
  init(storeAt path: String, metrics: any MetricsFactory) {
    let free = Meter(label: MetricName.storeFreeBytes.rawValue, factory: metrics)
    let used = Meter(label: MetricName.storeUsedBytes.rawValue, factory: metrics)
    // Of its own, since a stuck disk must hold up nothing else.
    let executor = BlockingExecutor(label: "rehome.readiness.datastore", width: 1)
    self.init("datastore") {
      do throws(DiskError) {
        let space = try await executor.run { () throws(DiskError) in
          try FreeSpace.ofWritable(path)
        }
        free.set(space.freeBytes)
        used.set(space.totalBytes - space.freeBytes)
        return space.freeBytes < Limits.datastoreReserveBytes
          ? .away("less than \(Limits.datastoreReserveBytes >> 20) MiB are free") : .ready
      } catch {
        return .away("it can't be written")
      }
    }
  }

  /// Whether libvirt answers.
  init(hypervisor: LibvirtHypervisor) {
    self.init("hypervisor", every: Limits.heartbeat) {
      do throws(HypervisorError) {
        _ = try await hypervisor.hostInformation()
        return .ready
      } catch {
        return .away("libvirt doesn't answer")
      }
    }
  }
}
