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
    /// The checkpoint since which changes are told; nil: none are.
    package let changesSince: String?

    /// Makes a disk of a session.
    package init(
      targetDevice: String,
      exportName: String,
      scratchPath: String,
      format: String = "qcow2",
      changesSince: String? = nil
    ) {
      self.targetDevice = targetDevice
      self.exportName = exportName
      self.scratchPath = scratchPath
      self.format = format
      self.changesSince = changesSince
    }

    /// The metadata context in which the NBD server tells the changes.
    package var changesContext: String { "qemu:dirty-bitmap:\(bitmapName)" }

    fileprivate var bitmapName: String { "backup-\(targetDevice)" }

    fileprivate var modeAttributes: String {
      guard let changesSince else { return "backupmode='full'" }
      return """
        backupmode='incremental' incremental='\(changesSince.xmlEscaped)' \
        exportbitmap='\(bitmapName.xmlEscaped)'
        """
    }
  }

  /// A checkpoint that begins at the session's moment.
  package struct Checkpoint: Sendable, Equatable {
    /// Its name, never used before.
    package let name: String
    /// The disks whose changes are recorded from then on.
    package let devices: [String]

    /// Makes a checkpoint.
    package init(name: String, devices: [String]) {
      self.name = name
      self.devices = devices
    }

    /// The checkpoint in libvirt's form, for a domain with these disks.
    func xml(allDevices: [String]) -> String {
      let disks = allDevices.map { device in
        let mode = devices.contains(device) ? "bitmap" : "no"
        return "<disk name='\(device.xmlEscaped)' checkpoint='\(mode)'/>"
      }
      return """
        <domaincheckpoint><name>\(name.xmlEscaped)</name>\
        <disks>\(disks.joined())</disks></domaincheckpoint>
        """
    }
  }

  /// Where QEMU's NBD server listens; QEMU makes it open to everyone, so its folder must not be.
  package let socketPath: String
  /// The disks to offer; all others of the domain stay out.
  package let disks: [Disk]
  /// The checkpoint to begin with it; nil: none.
  package let checkpoint: Checkpoint?

  /// Makes a request.
  package init(socketPath: String, disks: [Disk], checkpoint: Checkpoint? = nil) {
    self.socketPath = socketPath
    self.disks = disks
    self.checkpoint = checkpoint
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
        exportname='\(disk.exportName.xmlEscaped)' \(disk.modeAttributes)>\
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

/// How a backup session began.
package enum SessionStart: Sendable, Equatable {
  /// It runs.
  case begun
  /// It doesn't: a checkpoint whose changes were asked for is missing, or its bitmap is.
  case changesUnknown
}
