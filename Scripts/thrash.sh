#!/usr/bin/env bash
# Guests that are backed up, restored, undone, started and stopped, cleaned up behind and verified,
# while their server is killed at random moments and started again.
#
#   thrash.sh
#
# It is told by variables, which `make thrash` passes on:
#   MINUTES   how long the server is killed: 10. What is under way then comes to its end, and is judged
#   SEED      of what is done and when the server is killed: random. The same one does the same things,
#             not at the same moments
#   GUESTS    how many: 3
#   PROGRAM   another program than .build/debug/rehome, which is built if this isn't given
#
# Every guest is asked from inside what is on its disks after each job, and at the end nothing may be
# left that belongs to no one. What is wrong is printed as `violation: …`, the folder with logs and
# disks stays, and the exit code is 1. Then one line a figure: `figure NAME VALUE`.
# Needs root, for a libvirt of its own. Without KVM guests are emulated.
set -euo pipefail
cd "$(dirname "$0")/.."

[[ $EUID -eq 0 ]] || exec sudo --preserve-env=MINUTES,SEED,GUESTS,PROGRAM,TMPDIR,PATH \
  "PATH=$PATH" "$0" "$@"

program=${PROGRAM:-}
if [[ -z $program ]]; then
  Scripts/install-dependencies.sh --build --run --test >&2
  swift build --product rehome --explicit-target-dependency-import-check error >&2
  program=.build/debug/rehome
else
  Scripts/install-dependencies.sh --run --test >&2
fi
program=$(realpath "$program")
seed=${SEED:-$((RANDOM << 15 | RANDOM))}

# Short: libvirt's sockets are deep below it.
work=$(mktemp -d "${TMPDIR:-/tmp}/thrash-XXXXXX")
readonly work program seed
# QEMU, another user, has its disks in here.
chmod 0755 "$work"
keeps='' run=''

clean_up() {
  trap '' INT TERM HUP
  if [[ -n $run ]]; then
    kill -TERM "$run" 2>/dev/null || true
    wait "$run" || true
  fi
  # libvirt and the server end with the run; libvirt's folder goes last.
  while [[ -d $work/lv ]] && pgrep -f "private-libvirt.sh guard $work/lv" >/dev/null; do
    sleep 0.2
  done
  if [[ -n $keeps ]]; then
    echo "thrash: story.log, server.log and the disks are in $work" >&2
    echo "thrash: again: make thrash SEED=$seed MINUTES=${MINUTES:-10} GUESTS=${GUESTS:-3}" >&2
  else
    rm -rf "$work"
  fi
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

export PYTHONDONTWRITEBYTECODE=1
python3 Scripts/thrash/thrash.py --program "$program" --work "$work" --seed "$seed" \
  --minutes "${MINUTES:-10}" --guests "${GUESTS:-3}" &
run=$!
status=0
wait "$run" || status=$?
run=''
[[ $status -eq 0 ]] || keeps=yes
exit "$status"
