import Disks
import Hypervisor
import Model
import Restore

/// Examines whether what the firmware of VPSs stores outside their disks can be kept and put back, as
/// every restore onto one with a UEFI needs.
struct FirmwareExamination {
  /// The machines' libvirt.
  let hypervisor: any Hypervisor

  /// One finding for all; none where no VPS has such a file, or libvirt doesn't answer.
  func findings(of references: [DomainReference]) async -> [Finding] {
    var count = 0
    for reference in references {
      let path: String?
      do throws(HypervisorError) {
        path = try await hypervisor.domain(reference).keptNVRAMPath
      } catch .domainMissing {
        continue
      } catch {
        // It would hang, or be away, for the others too; that is told already.
        break
      }
      guard let path else { continue }
      count += 1
      do throws(DiskError) {
        try await KeptFile.check(path)
      } catch {
        return [
          Finding(
            "nvram",
            .fail,
            "\(path), what a VPS's firmware stores, can't be kept and put back: \(error).",
            remedy: "Let the server's user write there; see ReadWritePaths of rehome.service."
          )
        ]
      }
    }
    guard count > 0 else { return [] }
    return [Finding("nvram", .ok, "What the firmware of \(count) VPSs stores can be kept.")]
  }
}
