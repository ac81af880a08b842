#!/usr/bin/env bash
# Keeps 200 restores queued on one node while 50 clients poll them over HTTP.
#
#   load.sh
#
# It is told by variables, which `make load` passes on:
#   MINUTES   how long the queue is kept full: 10. Then it is emptied
#   QUEUE     how many restores: 200
#   CLIENTS   how many clients: 50
#   RUNNING   how many of the targets are guests that run: 3; the others are off
#   PROGRAM   another program than the release build, which is made if this isn't given
#   LOAD_DIR  where there is room, 16 MiB a target: TMPDIR or /tmp
#
# Prints one line a figure, `figure NAME VALUE`:
#   load-jobs          restores that ended
#   load-queue-least   the fewest that were queued or at work at any second, after the warm-up
#   load-poll-p99-ms   the 99th percentile of GET /api/jobs/{id}; load-poll-p50-ms the median
#   load-post-p99-ms   that of restore-from-vps
#   load-health-p99-ms that of GET /healthz, which does nothing: what the machine alone takes
#   load-rss-growth    the server's most memory in the last third beside that in the first
#   load-failed        jobs, requests and targets' bytes that weren't as they must be
# The exit code is 1 if one failed, memory grew by more than a tenth, or polls took more than 50 ms.
# Needs root, for a libvirt of its own. Without KVM guests are emulated; libvirt and they are nice, for
# else they would take the processors that are measured. It removes what it made.
set -euo pipefail
cd "$(dirname "$0")/.."

[[ $EUID -eq 0 ]] || exec sudo \
  --preserve-env=MINUTES,QUEUE,CLIENTS,RUNNING,PROGRAM,LOAD_DIR,TMPDIR,PATH "PATH=$PATH" "$0" "$@"

program=${PROGRAM:-}
if [[ -z $program ]]; then
  Scripts/install-dependencies.sh --build --run --test >&2
  swift build -c release --product rehome --scratch-path .build-release \
    --explicit-target-dependency-import-check error >&2
  program=.build-release/release/rehome
else
  Scripts/install-dependencies.sh --run --test >&2
fi
program=$(realpath "$program")

# Short: libvirt's sockets are deep below it.
work=$(mktemp -d "${LOAD_DIR:-${TMPDIR:-/tmp}}/load-XXXXXX")
readonly work program
# QEMU, another user, has its disks in here.
chmod 0755 "$work"
run=''

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
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

export PYTHONDONTWRITEBYTECODE=1
python3 Benchmarks/load/load.py --program "$program" --work "$work" --minutes "${MINUTES:-10}" \
  --queue "${QUEUE:-200}" --clients "${CLIENTS:-50}" --running "${RUNNING:-3}" &
run=$!
status=0
wait "$run" || status=$?
run=''
exit "$status"
