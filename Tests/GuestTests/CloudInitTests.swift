import Disks
import Foundation
import Guest
import Model
import TestSupport
import Testing

/// What a real cloud-init makes of a seed: the disk of one guest under the identity of another.
@Suite struct CloudInitTests {
  private static let sourceMAC = "52:54:00:aa:00:01"
  private static let targetMAC = "52:54:00:aa:00:02"

  /// The source has had a life: a password that works, sshd set by hand, a key for root.
  private static let sourceUserData = """
    #cloud-config
    password: sesame
    chpasswd: { expire: false }
    """

  /// It has what would hide a configuration of ours that stood in vendor-data under the same key.
  private static let targetUserData = """
    #cloud-config
    bootcmd:
      - echo bootcmd >> /var/lib/own-bootcmd
    runcmd:
      - echo runcmd >> /var/lib/own-runcmd
    """

  /// What must be the same before and after: accounts, sshd's setting, root's keys.
  private static let accounts = """
    grep -E '^(debian|root):' /etc/shadow
    cat /root/.ssh/authorized_keys
    sshd -T | grep -E '^(passwordauthentication|permitrootlogin)'
    """

  private static func live(_ source: DebianGuest) async throws {
    try await source.shell(
      """
      mkdir -p -m 0700 /root/.ssh
      echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGc0 root@example' >/root/.ssh/authorized_keys
      sed -i '/^#*PasswordAuthentication/d' /etc/ssh/sshd_config
      echo 'PasswordAuthentication yes' >>/etc/ssh/sshd_config
      echo 'ssh_pwauth: false' >/etc/cloud/cloud.cfg.d/98-image.cfg
      cp --remove-destination /etc/machine-id /var/lib/dbus/machine-id
      """
    )
    try await source.write("first guest's data", to: "/srv/data")
  }

  private static func seed(for target: DebianGuest) throws -> Seed {
    try Seed(
      instanceID: "rehome-test-1",
      hostname: "bravo",
      network: NetworkConfiguration(text: target.networkText),
      macAddresses: [targetMAC],
      userData: targetUserData
    )
  }

  @Test func `A disk takes on the identity in its seed, once, and keeps its accounts`() async throws
  {
    var sourceOptions = DebianGuest.Options()
    sourceOptions.name = "source"
    sourceOptions.hostname = "alpha"
    sourceOptions.mac = Self.sourceMAC
    sourceOptions.address = "10.0.2.11/24"
    sourceOptions.userData = Self.sourceUserData
    var targetOptions = sourceOptions
    targetOptions.name = "target"
    targetOptions.hostname = "bravo"
    targetOptions.mac = Self.targetMAC
    targetOptions.address = "10.0.2.22/24"

    try await withDebianGuest(sourceOptions) { source in
      try await source.boot()
      let before = try await source.identity()
      #expect(before.hostname == "alpha")
      #expect(before.addresses.contains("10.0.2.11/24"))
      try await Self.live(source)
      let accounts = try await source.shell(Self.accounts)
      #expect(accounts.contains("debian:$"), "the password works: \(accounts)")
      try await source.shutDown()

      try await withDebianGuest(targetOptions) { target in
        try await TestProcess.run("cp", [source.diskPath, target.diskPath])
        let nobody = UInt32(PrivateLibvirt.processOwner)
        try await SeedWriter.write(
          Self.seed(for: target),
          to: target.seedPath,
          owner: RuntimeDirectory.Owner(user: nobody, group: nobody)
        )
        try await target.libvirt.handToQEMU(target.folder)
        try await target.boot()
        let restored = try await target.identity()
        try await Self.check(target, restored, came: before, accounts)

        try await target.shutDown()
        try await target.boot()
        #expect(try await target.identity() == restored)
        #expect(try await target.shell(Self.accounts) == accounts)
        #expect(try await target.read("/var/lib/own-runcmd") == "runcmd\n")
      }
    }
  }

  private static func check(
    _ target: DebianGuest,
    _ restored: DebianGuest.Identity,
    came before: DebianGuest.Identity,
    _ accounts: String
  ) async throws {
    #expect(try await target.read("/srv/data") == "first guest's data")
    #expect(restored.instanceID == "rehome-test-1")
    #expect(restored.hostname == "bravo")
    #expect(restored.mac == targetMAC)
    #expect(restored.addresses.contains("10.0.2.22/24"))
    #expect(!restored.addresses.contains("10.0.2.11/24"))
    #expect(restored.hostKey != before.hostKey)
    #expect(restored.machineID != before.machineID)
    #expect(restored.machineID == target.uuid.replacing("-", with: ""))
    #expect(try await target.read("/var/lib/dbus/machine-id") == restored.machineID + "\n")
    #expect(try await target.shell(Self.accounts) == accounts)
    #expect(try await target.read("/var/lib/own-bootcmd") == "bootcmd\n")
    #expect(try await target.shell("cloud-init status") == "status: done\n")
    // The journal goes on under the new id, and networkd still holds what it was given.
    #expect(
      try await target.shell(
        "journalctl -q -b -u cloud-final -o cat | grep -c finished; networkctl status eth0"
      ).contains("10.0.2.22")
    )
    #expect(
      GuestCheck.verdict(
        network: try NetworkConfiguration(text: target.networkText),
        shown: restored.addresses,
        others: ["10.0.2.11/24"]
      ) == .confirmed
    )
  }
}
