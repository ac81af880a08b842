#!/usr/bin/env bash
# A Linux guest so small that it boots in seconds without KVM: Debian's cloud kernel, busybox, the
# QEMU guest agent, and one file system without a partition table.
#
#   micro-guest.sh DIR [SIZE [TEXT]]
#       makes DIR/vmlinuz, DIR/initrd.gz (hard links into the cache where possible) and
#       DIR/root.raw, a sparse ext4 image of SIZE (256M) whose /data/name holds TEXT ("micro") and
#       whose /data/blob holds 8 MiB of random bytes, different for each image.
#
# The guest's disk is /dev/vda. On its console it prints MICRO-UP, then MICRO-DATA with the text
# and the checksum of the blob, and MICRO-READY last. Kernel arguments it knows:
#   ip4=ADDRESS/PREFIX   the address of its first network card, unless the disk has /etc/ip4
#   noagent              no guest agent
#   noacpi               ignores the power button; with noagent, no polite request stops it
#   marker=TEXT          writes TEXT to /data/marker before it is ready
#   writeload            rewrites /data/load for ever, 1 MiB at a time, each time synced
#   poweroff             powers itself off once it is ready
#
# Packages are fetched once, into REHOME_TESTBED_CACHE (~/.cache/rehome-testbed).
# Needs busybox-static, cpio, e2fsprogs and apt's package lists.
set -euo pipefail

die() {
  echo "micro-guest: $*" >&2
  exit 1
}

# Built-in already: ext4, ACPI. The order is that of their dependencies.
readonly modules=(
  virtio/virtio_ring virtio/virtio virtio/virtio_pci_legacy_dev virtio/virtio_pci_modern_dev
  virtio/virtio_pci block/virtio_blk net/net_failover net/virtio_net char/virtio_console
  char/hw_random/virtio-rng input/evdev acpi/button
)

# FOLDER: the kernel's and the agent's packages, unpacked. The kernel's name changes with each
# security update, so it is asked for, never written down.
fetch_packages() {
  local kernel
  kernel=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/{print $2; exit}')
  [[ -n $kernel ]] || die "apt knows no linux-image-cloud-amd64; run apt-get update"
  mkdir -p "$1/packages" "$1/unpacked"
  (
    cd "$1/packages"
    # As root apt says that it could not change to the user _apt; that is all right here.
    apt-get -qq -o APT::Sandbox::User=root download "$kernel" qemu-guest-agent >&2
  ) || die "could not download $kernel and qemu-guest-agent"
  local package
  for package in "$1"/packages/*.deb; do dpkg -x "$package" "$1/unpacked"; done
  rm -r "$1/packages"
}

make_initrd() { # UNPACKED OUT
  local tree kernel_modules module number=10
  tree=$(mktemp -d "$work/initrd.XXXX")
  kernel_modules=("$1"/lib/modules/*/kernel)
  mkdir -p "$tree"/{bin,dev,proc,sys,root,modules}
  cp /bin/busybox "$tree/bin/busybox"
  ln -s busybox "$tree/bin/sh"
  cp "${kernel_modules[0]}/net/core/failover.ko" "$tree/modules/00-failover.ko"
  for module in "${modules[@]}"; do
    cp "${kernel_modules[0]}/drivers/$module.ko" "$tree/modules/$number-$(basename "$module").ko"
    number=$((number + 1))
  done
  cat >"$tree/init" <<'INIT'
#!/bin/sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in /modules/*.ko; do insmod "$module" || echo "MICRO-NOMODULE $module"; done
tries=0
while [ ! -b /dev/vda ] && [ $tries -lt 100 ]; do tries=$((tries + 1)); usleep 50000; done
if mount -t ext4 /dev/vda /root; then
  for folder in dev proc sys; do mount --move /$folder /root/$folder; done
  exec switch_root /root /sbin/init
fi
echo "MICRO-NOROOT"
poweroff -f
INIT
  chmod 0755 "$tree/init"
  (cd "$tree" && find . | cpio --quiet -o -H newc -R 0:0 | gzip -6) >"$2"
  rm -r "$tree"
}

copy_agent() { # UNPACKED TREE: the agent's program with the libraries it is linked to
  local library
  install -D "$1/usr/sbin/qemu-ga" "$2/sbin/qemu-ga"
  ldd "$1/usr/sbin/qemu-ga" | grep -o '/[^ ]*' | while read -r library; do
    install -D "$library" "$2$library"
  done
}

write_guest_scripts() { # TREE
  cat >"$1/sbin/init" <<'INIT'
#!/bin/sh
export PATH=/bin:/sbin
has() { grep -qw -- "$1" /proc/cmdline; }
value() { tr ' ' '\n' </proc/cmdline | sed -n "s/^$1=//p" | tail -n 1; }
mount -t tmpfs run /run
mount -t tmpfs tmp /tmp
echo "MICRO-UP uptime=$(cut -d' ' -f1 /proc/uptime)"

address=$(cat /etc/ip4 2>/dev/null || value ip4)
ip link set lo up
if [ -n "$address" ] && [ -d /sys/class/net/eth0 ]; then
  ip addr add "$address" dev eth0
  ip link set eth0 up
  echo "MICRO-NET $(cat /sys/class/net/eth0/address) $address"
fi
text=$(value marker)
if [ -n "$text" ]; then
  echo "$text" >/data/marker
  sync
fi
echo "MICRO-DATA name=$(cat /data/name) blob=$(sha256sum /data/blob | cut -d' ' -f1)"
[ ! -f /data/marker ] || echo "MICRO-MARKER $(cat /data/marker)"

has noacpi || acpid -c /etc/acpi -l /run/acpid.log -p /run/acpid.pid
if ! has noagent; then
  for port in /sys/class/virtio-ports/*; do
    [ "$(cat "$port/name" 2>/dev/null)" = org.qemu.guest_agent.0 ] || continue
    qemu-ga -d -m virtio-serial -p "/dev/${port##*/}" -t /run -f /run/qemu-ga.pid
  done
fi
write_load() { dd if=/dev/urandom of=/data/load bs=64k count=16 conv=notrunc,fsync 2>/dev/null; }
has writeload && write_load
echo "MICRO-READY uptime=$(cut -d' ' -f1 /proc/uptime)"
has poweroff && exec /sbin/shutdown
while has writeload; do
  write_load
  usleep 20000
done
while :; do sleep 1000; done
INIT
  # The agent calls /sbin/shutdown with the usual options, acpid calls the PWRF action.
  printf '#!/bin/sh\nsync\nmount -o remount,ro /\nexec /bin/poweroff -f\n' >"$1/sbin/shutdown"
  printf '#!/bin/sh\nexec /sbin/shutdown\n' >"$1/etc/acpi/PWRF/00000080"
  chmod 0755 "$1/sbin/init" "$1/sbin/shutdown" "$1/etc/acpi/PWRF/00000080"
}

make_root_tree() { # UNPACKED TREE
  mkdir -p "$2"/{bin,sbin,dev,proc,sys,etc/acpi/PWRF,run,tmp,data,root,var}
  ln -s ../run "$2/var/run"
  cp /bin/busybox "$2/bin/busybox"
  local applet
  for applet in $(/bin/busybox --list); do
    [[ $applet == busybox ]] || ln -sf busybox "$2/bin/$applet"
  done
  copy_agent "$1" "$2"
  write_guest_scripts "$2"
}

# Everything but the disk image is made once and kept, under a name that changes with this script.
fill_cache() {
  local lock
  mkdir -p "$cache"
  exec {lock}>"$cache/.lock"
  flock -w 300 "$lock" || die "another one is filling $cache for more than 5 minutes"
  if [[ ! -d $kept ]]; then
    fetch_packages "$work"
    mkdir "$work/kept"
    install -m 0644 "$work"/unpacked/boot/vmlinuz-* "$work/kept/vmlinuz"
    make_initrd "$work/unpacked" "$work/kept/initrd.gz"
    make_root_tree "$work/unpacked" "$work/kept/tree"
    chmod 0755 "$work/kept"
    # One rename, so that an interrupted run leaves nothing that looks whole.
    mv "$work/kept" "$kept"
  fi
  exec {lock}>&-
}

make_disk() { # OUT SIZE TEXT
  local tree=$work/tree
  cp -a "$kept/tree" "$tree"
  printf '%s\n' "$3" >"$tree/data/name"
  head -c 8388608 /dev/urandom >"$tree/data/blob"
  rm -f "$1"
  truncate -s "$2" "$1"
  chmod -R u+rwX,go+rX "$tree"
  mkfs.ext4 -q -F -L microroot -E root_owner=0:0 -d "$tree" "$1"
}

[[ $# -ge 1 && $# -le 3 && $1 == /* ]] || {
  sed -n '5,8s/^# \{0,1\}//p' "$0" >&2
  exit 2
}
readonly out=$1 size=${2:-256M} text=${3:-micro}
[[ -x /bin/busybox ]] || die "busybox-static is not installed"
command -v cpio >/dev/null || die "cpio is not installed"
PATH=$PATH:/usr/sbin:/sbin
readonly cache=${REHOME_TESTBED_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rehome-testbed}
kept=$cache/micro-$(sha256sum "$0" | cut -c1-16)
readonly kept
mkdir -p "$cache" "$out"
work=$(mktemp -d "$cache/.work.XXXXXX")
readonly work
trap 'rm -rf "$work"' EXIT
fill_cache
for part in vmlinuz initrd.gz; do
  ln -f "$kept/$part" "$out/$part" 2>/dev/null || cp "$kept/$part" "$out/$part"
done
make_disk "$out/root.raw" "$size" "$text"
