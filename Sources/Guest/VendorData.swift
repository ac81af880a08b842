/// What Rehome itself tells a guest, beside the VPS's own user-data.
///
/// Two parts of one MIME message, because cloud-init merges configurations by key: a `bootcmd` of
/// ours would be dropped as soon as the user-data has one, but a boothook is a part of its own
/// that always runs.
enum VendorData {
  private static let boundary = "==rehome=="

  /// The text for one instance.
  static func text(instanceID: String) -> String {
    """
    Content-Type: multipart/mixed; boundary="\(boundary)"
    MIME-Version: 1.0

    --\(boundary)
    \(part(type: "cloud-boothook", name: "rehome-identity", body: bootHook(instanceID)))
    --\(boundary)
    \(part(type: "cloud-config", name: "rehome-config", body: configuration))
    --\(boundary)--

    """
  }

  private static func part(type: String, name: String, body: String) -> String {
    """
    Content-Type: text/\(type); charset="us-ascii"
    MIME-Version: 1.0
    Content-Transfer-Encoding: 7bit
    Content-Disposition: attachment; filename="\(name)"

    \(body)
    """
  }

  /// What keeps cloud-init from changing accounts on a disk that has a life behind it.
  ///
  /// Without `users: []` the default user's password is locked on each new instance. The null
  /// hides a value in the image's own configuration: sshd's setting stays as the disk has it.
  private static let configuration = """
    #cloud-config
    preserve_hostname: false
    ssh_pwauth: null
    users: []
    """

  /// Gives the restored disk the machine's own id, once per instance.
  ///
  /// The id is the one that systemd itself takes on the first boot of a virtual machine: the UUID
  /// that the hypervisor shows. So the VPS keeps its id over every restore, as it keeps its MAC
  /// address. The file is written in place, for it may be a mount point and has a security label.
  /// The stamp is written last: a hook that is cut short runs again on the next boot.
  private static func bootHook(_ instanceID: String) -> String {
    """
    #cloud-boothook
    #!/bin/sh
    # Gives this machine an id of its own, once for instance \(instanceID).
    instance=\(instanceID)
    stamp=/var/lib/rehome/instance
    [ "$(cat "$stamp" 2>/dev/null)" = "$instance" ] && exit 0

    id=$(cat /sys/class/dmi/id/product_uuid 2>/dev/null | tr -d '\\n-' | tr A-F a-f)
    case $id in
      *[!0-9a-f]* | 00000000000000000000000000000000 | ffffffffffffffffffffffffffffffff) id= ;;
    esac
    [ ${#id} -eq 32 ] || id=$(tr -d '\\n-' </proc/sys/kernel/random/uuid)
    [ ${#id} -eq 32 ] || exit 1

    if [ "$(cat /etc/machine-id 2>/dev/null)" != "$id" ]; then
      echo "$id" >/etc/machine-id || exit 1
      if [ -f /var/lib/dbus/machine-id ] && [ ! -L /var/lib/dbus/machine-id ]; then
        echo "$id" >/var/lib/dbus/machine-id || exit 1
      fi
      # Both have read the old id already: the journal goes into a folder, and DHCPv6 and RA
      # addresses may hang on an identifier, that is named after it. Waiting for them here could
      # be waiting for ourselves.
      if [ -d /run/systemd/system ]; then
        systemctl --no-block try-restart systemd-journald.service systemd-networkd.service
      fi
    fi
    mkdir -p /var/lib/rehome || exit 1
    sync
    echo "$instance" >"$stamp.new" && mv "$stamp.new" "$stamp" && sync
    """
  }
}
