#!/usr/bin/env bash
# Looks for bytes that break what reads them, from the corpus on, with libFuzzer and the address
# sanitizer.
#
#   fuzz.sh     every format, for SECONDS_EACH (60) seconds each
#
# FORMAT names one format, a folder of Fuzz/corpus. A finding stays in .build-fuzz/found/FORMAT; the
# message says how to see it again. Once it is mended it belongs into the corpus, which every run of
# the tests reads. Prints one line a figure, `figure NAME VALUE`:
#   fuzz-FORMAT-runs       how many inputs a format was given
set -euo pipefail
cd "$(dirname "$0")/.."

# The longest input of a format in bytes: what its structures need, and no more.
longest() { # FORMAT
  case $1 in
    index) echo 8192 ;;
    image | name) echo 512 ;;
    *) echo 4096 ;;
  esac
}

build() { # FOLDER PRODUCT FLAG...
  # The versions that the program is built with; without them the newest that fit.
  if [ -f Package.resolved ]; then cp Package.resolved Fuzz/Package.resolved; fi
  swift build --package-path Fuzz --scratch-path "$1" --product "$2" "${@:3}"
}

readonly seconds=${SECONDS_EACH:-60}
readonly place=.build-fuzz
# The compiler watches coverage only if that is the last sanitizer it is told, and the package manager
# tells them in any order. Optimised, with the sentences of what traps.
build $place fuzz --sanitize=fuzzer --sanitize=address -Xswiftc -sanitize=fuzzer \
  -Xswiftc -O -Xswiftc -assert-config -Xswiftc Debug
# The runtime's own backtraces read what the sanitizer guards.
export SWIFT_BACKTRACE=enable=no
# For the end of the process too, which the option of libFuzzer below says nothing of.
export ASAN_OPTIONS=detect_leaks=0
failed=0
for folder in Fuzz/corpus/${FORMAT:-*}/; do
  format=$(basename "$folder")
  found=$place/found/$format
  learned=$place/learned/$format
  mkdir -p "$found" "$learned"
  log=$place/$format.log
  # Memory: the sanitizer's own, and what the largest input may make. Foundation keeps a buffer of
  # the first file that it reads, which would count as lost.
  if ! FORMAT=$format $place/debug/fuzz "$learned" "$folder" -artifact_prefix="$found/" \
    -max_total_time="$seconds" -max_len="$(longest "$format")" -timeout=10 -rss_limit_mb=2048 \
    -malloc_limit_mb=192 -detect_leaks=0 -print_final_stats=1 >"$log" 2>&1; then
    failed=1
    tail -n 60 "$log" >&2
    echo "fuzz: $format is broken by $(sed -n 's/.*written to //p' "$log" | tail -n 1); see it with" >&2
    echo "  FORMAT=$format $place/debug/fuzz FILE" >&2
  fi
  echo "figure fuzz-$format-runs $(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
done
exit $failed
