/// What a pull-mode backup session shall offer, and where.
package struct BackupRequest: Sendable, Equatable {
  /// One disk of the session.
  package struct Disk: Sendable, Equatable {
    /// The disk's name in the definition, such as `vda`.
    package let targetDevice: String
    /// The name under which the NBD server offers it.
    package let exportName: String
    /// Where QEMU keeps what the guest overwrites meanwhile; it makes the file.
    package let scratchPath: String
    /// The scratch file's format.
    package let format: String

    /// Makes a disk of a session.
    package init(
      targetDevice: String,
      exportName: String,
      scratchPath: String,
      format: String = "qcow2"
    ) {
      self.targetDevice = targetDevice
      self.exportName = exportName
      self.scratchPath = scratchPath
      self.format = format
    }
  }

  /// Where QEMU's NBD server listens; QEMU makes it open to everyone, so its folder must not be.
  package let socketPath: String
  /// The disks to offer; all others of the domain stay out.
  package let disks: [Disk]

  /// Makes a request.
  package init(socketPath: String, disks: [Disk]) {
    self.socketPath = socketPath
    self.disks = disks
  }

  /// The request in libvirt's form, for a domain with these disks.
  func xml(allDevices: [String]) -> String {
    var lines = ["<domainbackup mode='pull'>"]
    lines.append("<server transport='unix' socket='\(socketPath.xmlEscaped)'/>")
    lines.append("<disks>")
    for disk in disks {
      lines.append(
        """
        <disk name='\(disk.targetDevice.xmlEscaped)' backup='yes' type='file' \
        exportname='\(disk.exportName.xmlEscaped)'>\
        <driver type='\(disk.format.xmlEscaped)'/>\
        <scratch file='\(disk.scratchPath.xmlEscaped)'/></disk>
        """
      )
    }
    // A disk that isn't named would be backed up too, with a scratch file where libvirt likes.
    let named = Set(disks.map(\.targetDevice))
    for device in allDevices where !named.contains(device) {
      lines.append("<disk name='\(device.xmlEscaped)' backup='no'/>")
    }
    lines.append("</disks></domainbackup>")
    return lines.joined(separator: "\n")
  }

  /// The scratch files of a running backup job.
  static func scratchPaths(in jobXML: String) throws(HypervisorError) -> [String] {
    let disks = try XMLTree(parsing: jobXML, root: "domainbackup").child("disks")
    return (disks?.elements("disk") ?? []).compactMap {
      let scratch = $0.child("scratch")
      return scratch?.attributes["file"] ?? scratch?.attributes["dev"]
    }
  }
}
