import Disks
import Foundation
import Model

/// Examines what a folder's file system can do, with scratch files of its own.
struct StorageExamination {
  /// The folder.
  let directory: String
  /// Whether disks of VPSs are known to be there; elsewhere nothing has to be exchanged.
  let holdsDisks: Bool
  /// Below this the file system is about to fill up.
  let freeReserve: FreeReserve

  /// Everything that matters to staging and exchanging disks there.
  func findings() async -> [Finding] {
    let file = "\(directory)/.rehome-doctor-\(UUID().uuidString.prefix(8))"
    let copy = file + "-copy"
    defer { for path in [file, copy] { try? FileManager.default.removeItem(atPath: path) } }
    guard FileManager.default.createFile(atPath: file, contents: Data(count: 64 * 1024)) else {
      return [
        Finding(
          "exchange",
          failure,
          "Nothing can be written to \(directory).",
          remedy: "Run this with the server's rights, as Getting started tells."
        )
      ]
    }
    return [
      await exchange(file), await directIO(file), await reflink(file, copy), await space(),
    ]
  }

  private var failure: Finding.Verdict { holdsDisks ? .fail : .warn }

  private func exchange(_ file: String) async -> Finding {
    do throws(DiskError) {
      switch try await DiskQualification.check(file) {
      case .qualified:
        return Finding("exchange", .ok, "\(directory) can exchange two files in one step.")
      case .unqualified(let reason):
        return Finding(
          "exchange",
          failure,
          "\(directory) can't exchange two files: \(reason.rawValue).",
          remedy: "Keep the disks on ext4, XFS or Btrfs."
        )
      }
    } catch {
      return Finding("exchange", failure, "\(directory) can't be examined: \(error).")
    }
  }

  private func directIO(_ file: String) async -> Finding {
    let works = await HostProgram.succeeds(
      "dd",
      ["if=\(file)", "of=/dev/null", "bs=4096", "count=1", "iflag=direct"]
    )
    return works
      ? Finding("direct-io", .ok, "\(directory) takes direct I/O.")
      : Finding(
        "direct-io",
        .warn,
        "\(directory) takes no direct I/O: disks pass through the page cache."
      )
  }

  private func reflink(_ file: String, _ copy: String) async -> Finding {
    await HostProgram.succeeds("cp", ["--reflink=always", file, copy])
      ? Finding("reflink", .ok, "\(directory) can share blocks between files.")
      : Finding(
        "reflink",
        .warn,
        "\(directory) can't share blocks between files: stages are written in full.",
        remedy: "XFS and Btrfs can."
      )
  }

  /// How much room there is.
  func space() async -> Finding {
    do throws(DiskError) {
      let space = try await FreeSpace.at(directory)
      let words =
        "\(directory) has \(ByteText.of(space.freeBytes)) free of \(ByteText.of(space.totalBytes))."
      return space.freeBytes < freeReserve.bytes(of: space.totalBytes)
        ? Finding(
          "free-space",
          .warn,
          words,
          remedy: holdsDisks
            ? "Restores leave \(freeReserve.percent) % of it free (restore.freeReserve)."
            : "Make room before it is full."
        )
        : Finding("free-space", .ok, words)
    } catch {
      return Finding("free-space", .warn, "The free space of \(directory) can't be told.")
    }
  }
}
