#!/usr/bin/env bash
# Measures backups and restores of a disk: Rehome's beside those of qemu-img, zstd | dd, borg, restic
# and virtnbdbackup, in one run on the same disk.
#
#   bench.sh
#
# Builds for release first, which takes minutes. It is told by variables, which `make bench` passes on:
#   SIZE, DATA   of the disk that is made: 8G, and half of it in use
#   SEED         of its contents: 1
#   IMAGE        a disk to measure in its place, raw or qcow2; it is copied and not touched
#   ROUNDS       how often all take turns: 3
#   SECTIONS     limits full delta incremental downtime linear stages
#   BENCH_DIR    where there is room for eight times DATA: TMPDIR or /tmp
# A quick look: make bench SIZE=1G ROUNDS=1
#
# Prints a table, which docs/benchmarks.md gets, too, with a chart beside it, then one line a figure,
# `figure NAME VALUE`; what they mean and should be is in the page. Needs root: it drops the page
# cache, mounts an XFS on a loop device, and starts a libvirt of its own. Without KVM guests are
# emulated. It removes what it made.
set -euo pipefail
cd "$(dirname "$0")/.."

[[ $EUID -eq 0 ]] || exec sudo --preserve-env=SIZE,DATA,SEED,IMAGE,ROUNDS,SECTIONS,BENCH_DIR,PATH \
  "PATH=$PATH" "$0" "$@"

image=
[[ -z ${IMAGE:-} ]] || image=$(realpath "$IMAGE")
Scripts/install-dependencies.sh --build --run --test --bench >&2
for product in rehome stages; do
  swift build -c release --product "$product" --scratch-path .build-release \
    --explicit-target-dependency-import-check error >&2
done

work=$(mktemp -d "${BENCH_DIR:-${TMPDIR:-/tmp}}/bench-XXXXXX")
readonly work
# QEMU, another user, has its disks in here.
chmod 0755 "$work"

clean_up() {
  trap '' INT TERM HUP
  # What a run that was cut off has left: libvirt ends by itself with the end of its input.
  if mountpoint -q "$work/shared"; then umount "$work/shared" || umount -l "$work/shared"; fi
  losetup -j "$work/shared.img" | cut -d: -f1 | while read -r loop; do losetup -d "$loop"; done
  while [[ -d $work/lv ]] && pgrep -f "private-libvirt.sh guard $work/lv" >/dev/null; do
    sleep 0.2
  done
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

options=(--size "${SIZE:-8G}" --seed "${SEED:-1}" --rounds "${ROUNDS:-3}")
[[ -z ${DATA:-} ]] || options+=(--data "$DATA")
[[ -z $image ]] || options+=(--image "$image")
[[ -z ${SECTIONS:-} ]] || options+=(--sections "$SECTIONS")
export PYTHONDONTWRITEBYTECODE=1
python3 Benchmarks/data/bench.py --program "$PWD/.build-release/release/rehome" \
  --stages "$PWD/.build-release/release/stages" --work "$work" --docs docs "${options[@]}"
