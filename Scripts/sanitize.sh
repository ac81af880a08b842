#!/usr/bin/env bash
# Runs the tests of the wrappers and the engines under a sanitizer; none of it serves HTTP, which is
# most of what would be built.
#
#   sanitize.sh thread|address [--quick]
#       --quick   without what boots guests or plays whole jobs
#
# Fails only where the sanitizer finds something: whether the tests pass is for `make test` to say, and
# some have deadlines that a program doesn't meet that is watched. Left out are OperationsTests: with the
# thread sanitizer the compiler watches the address of a value that has none, that of the system's random
# numbers, and the program ends there.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly sanitizer=${1:?usage: sanitize.sh thread|address [--quick]}
readonly place=.build-$sanitizer found=99
export ENGINES_ONLY=1

case $sanitizer in
  thread | address) ;;
  *) echo "sanitize: thread or address, not $sanitizer" >&2; exit 64 ;;
esac
parts=(
  '^BackupTests\.' '^CareTests\.' '^CatalogTests\.' '^DisksTests\.' '^PowerTests\.'
  '^SimulationTests\.OvertakenTests'
)
if [[ ${2:-} == --quick ]]; then
  parts+=('^HypervisorTests\.ConnectionTests')
else
  parts+=('^HypervisorTests\.' '^RestoreTests\.')
fi

swift build --build-tests --sanitize="$sanitizer" --scratch-path "$place" \
  --explicit-target-dependency-import-check error
options=halt_on_error=1:exitcode=$found
settings=(SWIFT_BACKTRACE=enable=no)
if [[ $sanitizer == thread ]]; then
  clang -O1 -Wall -Werror -shared -fPIC -o "$place/mutex.so" Scripts/sanitize/mutex.c
  settings+=("LD_PRELOAD=$PWD/$place/mutex.so" "TSAN_OPTIONS=$options")
else
  # What a test that ends the process leaves allocated isn't lost.
  options+=:detect_leaks=0:suppressions=$PWD/Scripts/sanitize/address.supp
  settings+=("ASAN_OPTIONS=$options")
fi

for part in "${parts[@]}"; do
  started=$SECONDS status=0
  timeout --foreground --kill-after=30s 20m env "${settings[@]}" \
    "$place/debug/rehomePackageTests.xctest" --testing-library swift-testing --filter "$part" \
    --skip '^RestoreTests\.OnRealGuests' >"$place/log" 2>&1 || status=$?
  case $status in
    0) echo "sanitize: $part: nothing found, $((SECONDS - started)) s" ;;
    1)
      echo "sanitize: $part: nothing found, $((SECONDS - started)) s; these failed:"
      grep -aE '✘ Test .*(recorded an issue|failed)' "$place/log" | cut -c1-200
      ;;
    *)
      cat "$place/log" >&2
      echo "sanitize: $part ended with $status ($found: the $sanitizer sanitizer found something)" >&2
      exit 1
      ;;
  esac
done
