#!/usr/bin/env bash
# A small Debian 12 that boots by itself (BIOS, MBR, GRUB, its own kernel), with what a rented
# server has: cloud-init, netplan over systemd-networkd, sshd and the QEMU guest agent.
#
#   debian-guest.sh OUT.qcow2|OUT.raw [SIZE_MB]
#       makes the image OUT, SIZE_MB (1536) large, sparse. It has no identity of its own: host
#       name, addresses and accounts come from the NoCloud seed that it is started with.
#
# On its serial console it says GUEST-READY with its identity once cloud-init is through. The
# default user of its cloud-init is `debian`; its network card is eth0.
#
# The packages are unpacked once and kept, with the images, under REHOME_TESTBED_CACHE
# (~/.cache/rehome-testbed), by a name that changes with these scripts. They come from the
# Debian sources that this host's apt uses. Neither a loop device nor a mount of the image is
# needed. Needs root, mmdebstrap, fdisk, e2fsprogs and, for qcow2, qemu-utils.
set -euo pipefail

readonly default_megabytes=1536 least_megabytes=1024 lock_seconds=900
readonly here=$(cd "$(dirname "$0")" && pwd)
readonly packages=(
  systemd-sysv systemd-resolved dbus udev linux-image-cloud-amd64 initramfs-tools zstd
  grub-pc-bin grub2-common e2fsprogs fdisk cloud-guest-utils
  cloud-init netplan.io iproute2 openssh-server qemu-guest-agent
)
# Nobody reads a manual or a translation on it, and it has no such hardware; every megabyte that
# is left out is one that a backup need not read.
readonly left_out=(
  '/usr/share/doc/*' '/usr/share/info/*' '/usr/share/man/*' '/usr/share/locale/*'
  '/usr/share/lintian/*' '/usr/share/i18n/*' '/usr/lib/udev/hwdb.d/*' '/lib/udev/hwdb.d/*'
  '/lib/modules/*/kernel/drivers/gpu/*' '/lib/modules/*/kernel/drivers/infiniband/*'
  '/lib/modules/*/kernel/drivers/net/ethernet/*' '/lib/modules/*/kernel/drivers/scsi/[!sv]*'
  '/lib/modules/*/kernel/fs/[!efijn]*/*'
)

die() {
  echo "debian-guest: $*" >&2
  exit 1
}

# The `deb` lines of Debian 12 as this host's apt knows them; other vendors' sources stay out.
debian_sources() {
  local lines
  lines=$(apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
    'Created-By: Packages' 'Origin: Debian' 2>/dev/null | grep -E ' bookworm(-[a-z]+)? ' | sort -u) ||
    true
  if [[ -z $lines ]]; then
    lines="deb http://deb.debian.org/debian bookworm main
deb http://deb.debian.org/debian-security bookworm-security main"
  fi
  echo "$lines"
}

# Proxies and clock settings of this host's apt, one option a line.
apt_options() {
  apt-config dump Acquire::http Acquire::https Acquire::Retries Acquire::Check-Valid-Until \
    Acquire::Check-Date | grep -v ' "";$' || true
}

make_tree() { # TREE
  local options=() line joined
  while read -r line; do [[ -z $line ]] || options+=("--aptopt=$line"); done < <(apt_options)
  for line in "${left_out[@]}"; do options+=("--dpkgopt=path-exclude=$line"); done
  joined=$(IFS=, && echo "${packages[*]}")
  # A container's /run/mmdebstrap and the like are left behind otherwise, hence the clean-ups.
  debian_sources | mmdebstrap --quiet --mode=root --variant=minbase --format=directory \
    --include="$joined" --dpkgopt=force-unsafe-io --aptopt='Acquire::Languages "none"' \
    "${options[@]}" \
    --essential-hook="'$here/debian-guest-setup.sh' early \"\$1\"" \
    --customize-hook="'$here/debian-guest-setup.sh' late \"\$1\"" \
    --skip=check/empty bookworm "$1" - >&2 || die "mmdebstrap failed"
}

# One ext4 partition behind 1 MiB in which GRUB's core image lives.
make_image() { # TREE OUT MEGABYTES
  local grub=$1/usr/lib/grub/i386-pc boot=$1/boot/grub-core
  truncate -s "$3M" "$2"
  printf 'label: dos\n2048,,L,*\n' | sfdisk -q "$2"
  mkfs.ext4 -q -F -L root -E offset=1048576,lazy_itable_init=0 -d "$1" "$2" $((($3 - 1) * 1024))k
  dd if="$grub/boot.img" of="$2" bs=440 count=1 conv=notrunc status=none
  dd if="$boot/core.img" of="$2" bs=512 seek=1 conv=notrunc status=none
}

# Everything slow happens once, under a lock of this name, and appears by one rename.
fill_cache() {
  local lock
  exec {lock}>"$cache/.lock-$(basename "$kept")"
  flock -w "$lock_seconds" "$lock" || die "another run holds $cache for over $lock_seconds s"
  if [[ ! -d $kept ]]; then
    echo "debian-guest: building the guest's file tree, about a minute" >&2
    make_tree "$work/kept/tree"
    mv "$work/kept" "$kept"
  fi
  if [[ ! -f $kept/disk-$megabytes.raw ]]; then
    make_image "$kept/tree" "$work/disk.raw" "$megabytes"
    mv "$work/disk.raw" "$kept/disk-$megabytes.raw"
  fi
  exec {lock}>&-
  # What older versions of these scripts made is of use only to checkouts that still have them.
  touch "$kept"
  find "$cache" -mindepth 1 -maxdepth 1 -type d -name 'debian-*' -mtime +7 ! -path "$kept" \
    -exec rm -rf {} +
}

[[ $# -ge 1 && $# -le 2 && ${2:-1} =~ ^[0-9]{1,6}$ ]] || {
  sed -n '5,7s/^# \{0,1\}//p' "$0" >&2
  exit 2
}
case $1 in
  *.qcow2 | *.raw) ;;
  *) die "$1 ends neither in .qcow2 nor in .raw" ;;
esac
readonly out=$1 megabytes=${2:-$default_megabytes}
PATH=$PATH:/usr/sbin:/sbin
((megabytes >= least_megabytes)) || die "the guest needs $least_megabytes MB at least"
[[ $EUID -eq 0 ]] || die "must run as root: the guest's files belong to its own users"
for program in mmdebstrap sfdisk mkfs.ext4 flock; do
  command -v "$program" >/dev/null || die "$program is not installed"
done
readonly cache=${REHOME_TESTBED_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rehome-testbed}
kept=$cache/debian-$(cat "$0" "$here/debian-guest-setup.sh" | sha256sum | cut -c1-16)
readonly kept
mkdir -p "$cache"
work=$(mktemp -d "$cache/.work.XXXXXX")
readonly work
trap 'rm -rf "$work"' EXIT
chmod 0755 "$work"
mkdir "$work/kept"
fill_cache

readonly partial=$out.partial.$$
trap 'rm -rf "$work" "$partial"' EXIT
if [[ $out == *.qcow2 ]]; then
  qemu-img convert -q -f raw -O qcow2 "$kept/disk-$megabytes.raw" "$partial"
else
  cp --sparse=always "$kept/disk-$megabytes.raw" "$partial"
fi
mv "$partial" "$out"
