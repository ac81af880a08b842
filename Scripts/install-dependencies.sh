#!/usr/bin/env bash
# Installs the Debian packages that Rehome needs, those that are missing.
#
#   install-dependencies.sh [--build] [--run] [--test] [--bench]
#       --build   to build the program
#       --run     to run it on a hypervisor host
#       --test    to run its tests and its demonstration as well
#       --bench   to measure it
#       without any: all of them but what measures
#
# Made for Debian 12. Needs root, or sudo. A second run changes nothing.
set -euo pipefail

readonly build_packages=(
  libvirt-dev libnbd-dev libzstd-dev libdeflate-dev zlib1g-dev libsqlite3-dev pkg-config
)
readonly run_packages=(
  qemu-system-x86 qemu-utils libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients libnbd-bin
  xorriso acl ebtables iptables iproute2
)
readonly bench_packages=(
  wrk jq curl python3 restic borgbackup virtnbdbackup zstd time xfsprogs e2fsprogs util-linux
)
readonly test_packages=(
  busybox-static cpio socat nbdkit mmdebstrap fdisk e2fsprogs xfsprogs curl jq openssl prometheus
  python3 python3-venv systemd ovmf
)

say() { echo "install-dependencies: $*"; }

die() {
  say "$*" >&2
  exit 1
}

is_installed() { # PACKAGE: files and configuration, not just known
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

as_root() {
  if [[ $EUID -eq 0 ]]; then
    "$@"
  else
    command -v sudo >/dev/null || die "needs root: run it as root or install sudo"
    sudo "$@"
  fi
}

# The lists of a fresh or an old system name packages that are no longer there; so once without
# refreshing them, which is quicker, and once more after it.
install() {
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -y -q=2 -o Dpkg::Use-Pty=0)
  if ! as_root "${apt[@]}" install --no-install-recommends "$@"; then
    say "refreshing the package lists"
    as_root "${apt[@]}" update
    as_root "${apt[@]}" install --no-install-recommends "$@"
  fi
}

wanted=()
for argument in "$@"; do
  case $argument in
    --build) wanted+=("${build_packages[@]}") ;;
    --run) wanted+=("${run_packages[@]}") ;;
    --bench) wanted+=("${bench_packages[@]}") ;;
    --test) wanted+=("${test_packages[@]}") ;;
    *)
      sed -n '4,9s/^# \{0,1\}//p' "$0" >&2
      exit 2
      ;;
  esac
done
[[ $# -gt 0 ]] || wanted=("${build_packages[@]}" "${run_packages[@]}" "${test_packages[@]}")

command -v apt-get >/dev/null && command -v dpkg-query >/dev/null ||
  die "this is no Debian; install by hand: ${wanted[*]}"
missing=()
for package in "${wanted[@]}"; do
  is_installed "$package" || missing+=("$package")
done
if [[ ${#missing[@]} -eq 0 ]]; then
  say "everything is there (${#wanted[@]} packages)"
else
  say "installing ${missing[*]}"
  install "${missing[@]}"
  say "done"
fi
# The test guests are made of packages that are fetched later, for which apt must know them.
if [[ " ${wanted[*]} " == *" mmdebstrap "* ]] &&
  ! apt-cache show linux-image-cloud-amd64 >/dev/null 2>&1; then
  say "refreshing the package lists"
  as_root apt-get -q=2 update
fi
