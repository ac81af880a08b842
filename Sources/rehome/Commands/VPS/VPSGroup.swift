import ArgumentParser

/// `rehome vps …`.
struct VPSGroup: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vps",
    abstract: "VPSs: the libvirt domains that Rehome looks after.",
    subcommands: [
      VPSAdd.self, VPSList.self, VPSShow.self, VPSEdit.self, VPSSuspend.self, VPSResume.self,
      VPSTerminate.self, VPSStart.self, VPSShutdown.self, VPSStop.self, VPSRestart.self,
      VPSReset.self,
    ]
  )
}
