import CLibvirt

extension Domain {
  /// Who is asked to shut the guest down.
  package enum ShutdownWay: Sendable {
    case acpiPowerButton
    case guestAgent
  }

  /// Starts the domain afresh: a saved state, if there is one, is thrown away, never resumed.
  ///
  /// One that is paused doesn't run its first instruction before it is resumed.
  package func startForcingBoot(isPaused: Bool = false) throws(LibvirtError) {
    let paused = isPaused ? VIR_DOMAIN_START_PAUSED.rawValue : 0
    try unsafe LibvirtError.check(
      virDomainCreateWithFlags(pointer, VIR_DOMAIN_START_FORCE_BOOT.rawValue | paused),
      "virDomainCreateWithFlags"
    )
  }

  /// Asks the guest to shut down; it may take its time, or not do it at all.
  package func requestShutdown(_ way: ShutdownWay) throws(LibvirtError) {
    let flag =
      switch way {
      case .acpiPowerButton: VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN
      case .guestAgent: VIR_DOMAIN_SHUTDOWN_GUEST_AGENT
      }
    try unsafe LibvirtError.check(
      virDomainShutdownFlags(pointer, flag.rawValue),
      "virDomainShutdownFlags"
    )
  }

  /// Ends QEMU; gracefully means that it may write out what it holds, and is never killed hard.
  package func destroy(gracefully: Bool) throws(LibvirtError) {
    let flag = gracefully ? VIR_DOMAIN_DESTROY_GRACEFUL : VIR_DOMAIN_DESTROY_DEFAULT
    try unsafe LibvirtError.check(
      virDomainDestroyFlags(pointer, flag.rawValue),
      "virDomainDestroyFlags"
    )
  }

  /// Presses the reset button.
  package func reset() throws(LibvirtError) {
    try unsafe LibvirtError.check(virDomainReset(pointer, 0), "virDomainReset")
  }

  /// Lets a paused domain run on.
  package func resume() throws(LibvirtError) {
    try unsafe LibvirtError.check(virDomainResume(pointer), "virDomainResume")
  }

  /// Whether a saved state waits to be resumed.
  package func hasManagedSave() throws(LibvirtError) -> Bool {
    try unsafe LibvirtError.check(
      virDomainHasManagedSaveImage(pointer, 0),
      "virDomainHasManagedSaveImage"
    ) == 1
  }

  /// Throws the saved state away.
  package func removeManagedSave() throws(LibvirtError) {
    try unsafe LibvirtError.check(
      virDomainManagedSaveRemove(pointer, 0),
      "virDomainManagedSaveRemove"
    )
  }

  /// How many snapshots libvirt knows of the domain.
  package func snapshotCount() throws(LibvirtError) -> Int {
    Int(try unsafe LibvirtError.check(virDomainSnapshotNum(pointer, 0), "virDomainSnapshotNum"))
  }
}
