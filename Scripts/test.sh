#!/usr/bin/env bash
# Runs the built tests, one test target after the other: those that boot guests would starve the
# quick ones of processor time, and a quick one that fails is seen first.
#
#   Scripts/test.sh [TARGET...]     all targets if none is named
#
# Every target runs even when an earlier one has failed; the exit code tells whether any did. One
# that hangs is ended and has failed: the longest takes a third of the limit, more on a busy machine.
set -uo pipefail
cd "$(dirname "$0")/.."

readonly all=(
  ModelTests TidyTests FuzzTests OperationsTests CatalogTests JobsTests PowerTests DatastoreTests
  CareTests MonitoringTests SimulationTests APITests ProgramTests DisksTests BackupTests
  HypervisorTests RestoreTests EndToEndTests GuestTests
)

readonly limit=45m

# What the build wrote would go to the disk beside the first tests, whose transactions wait for it.
sync

failed=0
log=$(mktemp)
faults=$(mktemp)
trap 'rm -f "$log" "$faults"' EXIT
for target in "${@:-${all[@]}}"; do
  echo "== $target"
  started=$SECONDS
  # No pipe: what a test left running would keep it open, and with it this script.
  if ! timeout --foreground --kill-after=30s $limit \
    swift test --skip-build --disable-xctest --filter "^$target\\." > >(tee "$log") 2>&1; then
    failed=1
    sleep 1 # `tee` has the last lines yet to write.
    {
      echo "failed: $target"
      grep -aE '✘|error:|Fatal|unexpected signal' "$log" | awk '!seen[$0]++' | head -60
    } >>"$faults"
  fi
  echo "== $target took $((SECONDS - started)) s"
done
# Once more at the end, where they are found.
cat "$faults" >&2
exit $failed
