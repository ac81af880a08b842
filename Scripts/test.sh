#!/usr/bin/env bash
# Runs the built tests, one test target after the other: those that boot guests would starve the
# quick ones of processor time, and a quick one that fails is seen first.
#
#   Scripts/test.sh [TARGET...]     all targets if none is named
#
# Every target runs even when an earlier one has failed; the exit code tells whether any did. One
# that hangs is ended and has failed: the longest takes a third of the limit.
set -uo pipefail
cd "$(dirname "$0")/.."

readonly all=(
  ModelTests TidyTests OperationsTests CatalogTests JobsTests PowerTests DatastoreTests CareTests
  MonitoringTests SimulationTests APITests ProgramTests DisksTests BackupTests HypervisorTests
  RestoreTests EndToEndTests GuestTests
)

readonly limit=30m

failed=()
for target in "${@:-${all[@]}}"; do
  echo "== $target"
  started=$SECONDS
  timeout --foreground --kill-after=30s $limit \
    swift test --skip-build --disable-xctest --filter "^$target\\." || failed+=("$target")
  echo "== $target took $((SECONDS - started)) s"
done
if ((${#failed[@]})); then
  echo "failed: ${failed[*]}" >&2
  exit 1
fi
