#!/usr/bin/env bash
# What debian-guest.sh changes in the guest's file tree; mmdebstrap calls it as a hook.
#
#   debian-guest-setup.sh early TREE    before the packages are installed
#   debian-guest-setup.sh late TREE     when everything is in place
set -euo pipefail

# Not needed in a guest that lives for minutes, and each costs a second of an emulated boot.
readonly masked=(
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer
  e2scrub_reap.service fstrim.timer getty@tty1.service grub-common.service
  systemd-networkd-wait-online.service systemd-pstore.service
)

# An initial RAM disk with the drivers of a virtio guest only: quicker to make, load and unpack.
early() { # TREE
  install -d "$1/etc/initramfs-tools/conf.d" "$1/usr/share/initramfs-tools/modules.d"
  printf 'MODULES=list\nFSTYPE=ext4\nRESUME=none\n' >"$1/etc/initramfs-tools/conf.d/guest"
  printf '%s\n' virtio_pci virtio_blk virtio_scsi >"$1/usr/share/initramfs-tools/modules.d/guest"
}

write_cloud_configuration() { # TREE
  # The locale is that of the bare system: without this line cloud-init ends with an error.
  cat >"$1/etc/cloud/cloud.cfg.d/99-guest.cfg" <<'CFG'
datasource_list: [ NoCloud, None ]
ssh_genkeytypes: [ ed25519 ]
manage_etc_hosts: true
locale: C.UTF-8
CFG
}

write_report() { # TREE
  cat >"$1/usr/local/sbin/guest-report" <<'REPORT'
#!/bin/sh
# One line on the serial console that tells who this machine is.
addresses=$(ip -o address show scope global | awk '{ printf "%s%s", s, $4; s = "," }')
report="GUEST-READY uptime=$(cut -d' ' -f1 /proc/uptime) host=$(hostname) addresses=$addresses"
report="$report mac=$(cat /sys/class/net/e*/address | paste -sd,)"
report="$report instance=$(cat /var/lib/cloud/data/instance-id)"
report="$report machine=$(cat /etc/machine-id)"
report="$report hostkey=$(ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub | cut -d' ' -f2)"
printf '\r\n%s\r\n' "$report" >/dev/ttyS0
REPORT
  chmod 0755 "$1/usr/local/sbin/guest-report"
  # It hangs on cloud-init.target: on multi-user.target, being after cloud-final, it would close
  # an ordering cycle, and systemd would drop it without a word.
  cat >"$1/etc/systemd/system/guest-report.service" <<'UNIT'
[Unit]
Description=Report of the guest's identity on the serial console
After=cloud-final.service
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/guest-report
[Install]
WantedBy=cloud-init.target
UNIT
  install -d "$1/etc/systemd/system/cloud-init.target.wants"
  ln -sf ../guest-report.service "$1/etc/systemd/system/cloud-init.target.wants/"
}

# GRUB's configuration is written here and its core image is made by the guest's own tools, so
# that neither the host's GRUB nor its version matters.
write_boot() { # TREE
  local kernel quick='quiet mitigations=off random.trust_cpu=on audit=0'
  kernel=$(cd "$1/boot" && printf '%s\n' vmlinuz-* | sort -V | tail -n 1)
  kernel=${kernel#vmlinuz-}
  install -d "$1/boot/grub" "$1/boot/grub-core"
  cat >"$1/boot/grub/grub.cfg" <<CFG
serial --unit=0 --speed=115200
terminal_input serial
terminal_output serial
set timeout=0
menuentry linux {
  linux /boot/vmlinuz-$kernel root=/dev/vda1 ro console=ttyS0 net.ifnames=0 panic=-1 $quick
  initrd /boot/initrd.img-$kernel
}
CFG
  echo 'set prefix=(hd0,msdos1)/boot/grub' >"$1/boot/grub-core/early.cfg"
  chroot "$1" grub-mkimage -O i386-pc -p '(hd0,msdos1)/boot/grub' \
    -c /boot/grub-core/early.cfg -o /boot/grub-core/core.img \
    biosdisk part_msdos ext2 normal linux serial terminal test echo configfile
}

# Drivers that an emulated processor seems to need and that only cost time to load.
write_module_list() { # TREE
  printf 'blacklist %s\n' kvm_amd kvm_intel aesni_intel ghash_clmulni_intel sha512_ssse3 \
    sha256_ssse3 sha1_ssse3 >"$1/etc/modprobe.d/guest.conf"
}

forget_identity() { # TREE
  : >"$1/etc/machine-id"
  rm -f "$1"/etc/ssh/ssh_host_* "$1/etc/hostname" "$1/var/lib/dbus/machine-id"
  rm -f "$1"/{etc,usr/lib,lib}/udev/hwdb.bin
  rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin "$1"/var/log/{apt,dpkg.log,bootstrap.log}
}

late() { # TREE
  local unit
  write_cloud_configuration "$1"
  write_report "$1"
  echo '/dev/vda1 / ext4 defaults,errors=remount-ro 0 1' >"$1/etc/fstab"
  install -d "$1/etc/systemd/system/multi-user.target.wants"
  ln -sf /lib/systemd/system/systemd-networkd.service \
    "$1/etc/systemd/system/multi-user.target.wants/"
  for unit in "${masked[@]}"; do ln -sf /dev/null "$1/etc/systemd/system/$unit"; done
  write_module_list "$1"
  write_boot "$1"
  forget_identity "$1"
}

[[ $# -eq 2 && -d $2 ]] || {
  sed -n '4,5s/^# \{0,1\}//p' "$0" >&2
  exit 2
}
case $1 in
  early | late) "$1" "$2" ;;
  *) exit 2 ;;
esac
