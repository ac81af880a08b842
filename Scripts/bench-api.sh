#!/usr/bin/env bash
# Measures the API on loopback: requests per second beside a bare Hummingbird route, and how answers
# grow with the catalog.
#
#   bench-api.sh
#
# Builds what it measures for release first, which takes minutes. Prints a table, which
# docs/benchmarks-api.md gets, too, then one line a figure, `figure NAME VALUE`:
#   get-vps-vs-hello     requests per second of GET /api/v2/vps/{id} to those of the bare route
#   get-vps-p99-ms       its 99th percentile at half that load
#   post-restore-p99-ms  the 99th percentile of restore-from-vps until it is accepted
#   growth-100k          the worst ratio of an answer's time at 100,000 VPSs to that at 1,000
set -euo pipefail
cd "$(dirname "$0")/.."

readonly seconds=${BENCH_SECONDS:-10}
readonly connections=16
readonly paced_connections=32
work=$(mktemp -d "${TMPDIR:-/tmp}/rehome-bench-XXXXXX")
readonly work
running=()

clean_up() {
  for process in "${running[@]}"; do kill "$process" 2>/dev/null || true; done
  wait || true
  rm -rf "$work"
}
trap clean_up EXIT

say() { echo "bench-api: $*" >&2; }

is_ready() { # URL
  for _ in $(seq 100); do
    curl -fsS -o /dev/null "$1" 2>/dev/null && return
    sleep 0.1
  done
  say "nothing answers at $1"
  return 1
}

rehome() { .build-release/release/rehome "$@"; }

# Sets base, key and the file of identifiers for a server over a catalog of so many VPSs.
serve() { # NAME VPS PORT
  local data=$work/$1
  mkdir "$data"
  export REHOME_DATA_PATH=$data REHOME_API_PORT=$3 REHOME_WORKER_ENABLED=false REHOME_LOG_LEVEL=warning
  local client
  client=$(rehome client create acme --json | jq -r .id)
  key=$(rehome key create --client "$client" --scope read:vm --scope backup:vm --json | jq -r .key)
  rehome vps list --json >/dev/null
  sqlite_node "$data/catalog.sqlite"
  ids=$work/$1.json
  python3 Benchmarks/api/fill_catalog.py "$data/catalog.sqlite" --vps "$2" --client "$client" >"$ids"
  # Not the function: that would be a shell's process, and the server would outlive its end.
  .build-release/release/rehome serve 2>"$work/$1.log" &
  running+=($!)
  base=http://127.0.0.1:$3
  is_ready "$base/healthz"
}

sqlite_node() { # CATALOG: the node's row, which a server makes at its start
  python3 - "$1" <<'PYTHON'
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.execute("INSERT OR IGNORE INTO node (name, uri) VALUES ('local', 'test:///default')")
database.commit()
PYTHON
}

rate() { # URL [HEADER]: requests per second
  wrk -t2 -c$connections -d"${seconds}s" ${2:+-H "$2"} "$1" | awk '/Requests\/sec/ { print $2 }'
}

# At about so many requests per second, by connections that think between two requests for as long
# as makes it so many: tools that ask at fixed times ask with all connections at once, and measure
# the queue that they make.
p99() { # URL HEADER RATE: milliseconds
  local mean=$((paced_connections * 1000 / $3))
  wrk -t1 -c$paced_connections -d"${seconds}s" --latency -s Benchmarks/api/paced.lua -H "$2" "$1" \
    -- $((mean > 1 ? mean - 1 : 1)) | awk '
      /Non-2xx|Socket errors/ { print "bench-api: " $0 >"/dev/stderr"; failed = 1 }
      $1 == "99%" { value = $2 }
      END {
        if (failed || value == "") exit 1
        if (value ~ /us$/) value = value / 1000
        else if (value ~ /ms$/) value = value + 0
        else value = value * 1000
        printf "%.2f\n", value
      }'
}

median() { python3 -c 'import statistics, sys; print(statistics.median(map(float, sys.argv[1:])))' "$@"; }

calculate() { python3 -c "print(f'{$1:.3f}')"; }

for limit in READ WRITE POWER ADDRESS; do
  export "REHOME_LIMITS_${limit}_RATE=60000000" "REHOME_LIMITS_${limit}_BURST=60000000"
done

Scripts/install-dependencies.sh --build --bench >&2
say "building for release"
swift build -c release --product rehome --scratch-path .build-release \
  --explicit-target-dependency-import-check error >&2
swift build -c release --package-path Benchmarks --scratch-path .build-benchmarks >&2

.build-benchmarks/release/hello 18180 &
running+=($!)
is_ready http://127.0.0.1:18180/hello

say "1,000 VPSs, 10,000 backups"
serve small 1000 18181
vps=$base/api/v2/vps/$(jq -r '.vps[0]' "$ids")
header="Authorization: Bearer $key"
rate "$vps" "$header" >/dev/null
hello=$(rate http://127.0.0.1:18180/hello)
get=$(rate "$vps" "$header")
hello_again=$(rate http://127.0.0.1:18180/hello)
get_again=$(rate "$vps" "$header")
half=$(calculate "($get + $get_again) / 4" | cut -d. -f1)
latencies=()
bare_latencies=()
for _ in 1 2 3; do
  # Not within the list, where a failure would be no failure.
  one=$(p99 "$vps" "$header" "$half")
  bare=$(p99 http://127.0.0.1:18180/hello "$header" "$half")
  latencies+=("$one")
  bare_latencies+=("$bare")
done
latency=$(median "${latencies[@]}")
bare_latency=$(median "${bare_latencies[@]}")
post=$(python3 Benchmarks/api/ask.py restores "$base" "$key" "$ids" | jq '."post-restore"')
python3 Benchmarks/api/ask.py answers "$base" "$key" "$ids" >"$work/small.times"

say "100,000 VPSs, 1,000,000 backups"
serve large 100000 18182
python3 Benchmarks/api/ask.py answers "$base" "$key" "$ids" >"$work/large.times"

times=("--slurpfile" small "$work/small.times" "--slurpfile" large "$work/large.times")
growth=$(jq -n "${times[@]}" \
  '[$small[0] | keys[] as $name | $large[0][$name] / $small[0][$name]] | max * 1000 | round / 1000')
ratio=$(calculate "($get + $get_again) / ($hello + $hello_again)")
post=$(calculate "$post")

table() {
  echo "| what | measured | wanted |"
  echo "| --- | --- | --- |"
  echo "| requests per second of \`GET /api/v2/vps/{id}\` to a bare route's | $ratio | ≥ 0.35 |"
  echo "| its 99th percentile at half that load, median of three | $latency ms | ≤ 5 ms |"
  echo "| the bare route's at as many requests per second | $bare_latency ms | |"
  echo "| \`POST …/restore-from-vps\` until it is accepted, 99th percentile | $post ms | ≤ 10 ms |"
  echo "| the slowest answer's growth, 1,000 to 100,000 VPSs | $growth | ≤ 2 |"
  echo
  echo "| answer | 1,000 VPSs, ms | 100,000 VPSs, ms | ratio |"
  echo "| --- | --- | --- | --- |"
  jq -rn "${times[@]}" '
    def short: . * 1000 | round / 1000;
    $small[0] | keys_unsorted[] as $name
    | "| \($name) | \($small[0][$name] | short) | \($large[0][$name] | short) | \($large[0][$name] / $small[0][$name] | short) |"'
  echo
  echo "GET /api/v2/vps/{id}: $get and $get_again requests per second; bare route: $hello and $hello_again"
  echo "($(nproc) processors, wrk with $connections connections for $seconds s, $(date -u +%F))"
}

mkdir -p docs
{
  echo "# What the API costs"
  echo
  echo "Written by \`make bench-api\`: on loopback, the program beside a bare Hummingbird route that"
  echo "answers a constant. 1,000 VPSs have 10,000 backups, 100,000 have 1,000,000. A key asks, whose"
  echo "requests are counted; one answer is asked for at a time unless a number of requests per second"
  echo "is told."
  echo
  table
} >docs/benchmarks-api.md
table
echo
echo "figure get-vps-vs-hello $ratio"
echo "figure get-vps-p99-ms $latency"
echo "figure post-restore-p99-ms $post"
echo "figure growth-100k $growth"
