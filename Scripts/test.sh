#!/usr/bin/env bash
# Runs the built tests, one test target after the other: those that boot guests would starve the
# quick ones of processor time, and a quick one that fails is seen first. Those with guests come last,
# in two rows side by side: guests that boot are waited for, mostly.
#
#   Scripts/test.sh [TARGET...]     all targets if none is named; those that are, one after the other
#
# Every target runs even when an earlier one has failed; the exit code tells whether any did. One
# that hangs is ended and has failed: the longest takes a third of the limit, more on a busy machine.
set -uo pipefail
cd "$(dirname "$0")/.."

readonly quick=(
  ModelTests TidyTests FuzzTests OperationsTests CatalogTests JobsTests PowerTests DatastoreTests
  CareTests MonitoringTests SimulationTests APITests ProgramTests DisksTests BackupTests
)
# Each row takes about as long as the other.
readonly rows=(
  'EndToEndTests GuestTests HypervisorTests'
  'RestoreTests'
)

readonly limit=45m
readonly program=.build/debug/rehomePackageTests.xctest
work=$(mktemp -d) || exit 1
readonly work
trap 'rm -rf "$work"' EXIT

# Runs one target; what it prints is kept, too, and what has failed in it.
run() {
  local target=$1 log=$work/$1 started=$SECONDS
  echo "== $target"
  # No pipe: what a test left running would keep it open, and with it this script.
  if timeout --foreground --kill-after=30s $limit \
    "$program" --testing-library swift-testing --filter "^$target\\." > >(tee "$log") 2>&1; then
    touch "$log.passed"
  fi
  echo "== $target took $((SECONDS - started)) s"
}

# Runs a row of targets, each of which is printed when it has ended, not between another row's lines.
row() {
  local target
  for target in "$@"; do
    run "$target" >"$work/$target.whole" 2>&1
    sleep 1 # `tee` has the last lines yet to write.
    cat "$work/$target.whole"
  done
}

# What the build wrote would go to the disk beside the first tests, whose transactions wait for it.
sync

targets=("${@:-${quick[@]}}")
for target in "${targets[@]}"; do run "$target"; done
if (($# == 0)); then
  echo "== ${rows[*]}: two at a time, each is printed when it has ended"
  set -m # Each row is a group of processes, which ends as one with this script.
  trap 'for job in $(jobs -p); do kill -- "-$job"; done; exit 1' INT TERM HUP
  for words in "${rows[@]}"; do
    read -ra names <<<"$words"
    targets+=("${names[@]}")
    row "${names[@]}" </dev/null &
  done
  wait
fi

# Once more at the end, where they are found. A target that hasn't passed has failed, whoever ended it.
sleep 1 # `tee` has the last lines yet to write.
failed=0
for target in "${targets[@]}"; do
  [[ ! -e $work/$target.passed ]] || continue
  failed=1
  {
    echo "failed: $target"
    grep -aE '✘|error:|Fatal|unexpected signal' "$work/$target" | awk '!seen[$0]++' | head -60
  } >&2
done
exit $failed
