#!/usr/bin/env bash
# Shows what Rehome is for, with nothing simulated: two small Debian guests on a libvirt of their
# own; the first is backed up while it runs, its backup is put onto the second over HTTP, the
# second tells who it is now; then the restore is undone.
#
#   demo.sh
#
# REHOME_DEMO_KEEP=1 leaves the scratch directory behind, REHOME_DEMO_FORMAT=qcow2 takes that in
# place of raw disks. Made for Debian 12 with Swift 6.3. Needs root, or sudo; listens on loopback
# only; without KVM it takes ten to twenty minutes. It cleans up after itself, also when it fails.
set -euo pipefail

readonly here=$(cd "$(dirname "$0")" && pwd)
readonly repository=$(dirname "$here")
readonly boot_seconds=400 server_seconds=60 agent_seconds=60
readonly format=${REHOME_DEMO_FORMAT:-raw}
readonly first_mac=52:54:00:aa:00:01 second_mac=52:54:00:aa:00:02

[[ $EUID -eq 0 ]] || exec sudo env "PATH=$PATH" "REHOME_DEMO_KEEP=${REHOME_DEMO_KEEP:-}" \
  "REHOME_DEMO_FORMAT=$format" "$0" "$@"

source "$here/testbed/debian-demo-guests.sh"

bold='' plain=''
[[ ! -t 1 ]] || bold=$'\e[1m' plain=$'\e[0m'
heading() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
say() { printf '   %s\n' "$*"; }

die() {
  printf '\ndemo: %s\n' "$*" >&2
  exit 1
}

# Shows a command, then runs it.
show() {
  printf '   $ %s\n' "$(printf '%q ' "$@" | sed "s|$rehome|rehome|")"
  # On a terminal it may draw.
  if [[ -t 1 ]]; then "$@"; else "$@" 2>&1 | sed 's/^/     /'; fi
}

# --- Ending ---------------------------------------------------------------------------------------

work='' server='' libvirt_input='' libvirt_process=''

end_process() { # PID: asks, waits, insists
  local tries=200
  kill -TERM "$1" 2>/dev/null || return 0
  while ((tries-- > 0)) && kill -0 "$1" 2>/dev/null; do sleep 0.05; done
  kill -KILL "$1" 2>/dev/null || true
  wait "$1" 2>/dev/null || true
}

clean_up() {
  local status=$?
  trap '' INT TERM HUP
  trap - EXIT
  set +e
  if ((status != 0)) && [[ -s $work/rehome.log ]]; then
    printf '\nThe end of what the server logged:\n' >&2
    tail -n 40 "$work/rehome.log" >&2
  fi
  [[ -z $server ]] || end_process "$server"
  if [[ -n $libvirt_input ]]; then
    # The end of its input tells libvirt's guardian to stop the guests and itself.
    exec {libvirt_input}>&-
    wait "$libvirt_process" 2>/dev/null
  fi
  if [[ -n $work && -z ${REHOME_DEMO_KEEP:-} ]]; then
    rm -rf "$work"
  elif [[ -n $work ]]; then
    say "left behind: $work"
  fi
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# --- Parts ----------------------------------------------------------------------------------------

start_libvirt() { # sets uri
  # It lives as long as its input is open, so it ends with this script, whatever ends that.
  coproc LIBVIRT { exec "$here/testbed/private-libvirt.sh" guard "$work/lv"; }
  libvirt_process=$LIBVIRT_PID libvirt_input=${LIBVIRT[1]}
  read -r -t 90 uri <&"${LIBVIRT[0]}" || die "libvirt did not start"
  export LIBVIRT_DEFAULT_URI=$uri
}

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

start_server() { # sets server, base
  local deadline=$((SECONDS + server_seconds))
  REHOME_API_PORT=$(free_port)
  export REHOME_API_PORT REHOME_DATA_PATH=$work/data REHOME_LIBVIRT_URI=$uri
  # An emulated guest boots slowly; a real one is up well within the usual three minutes.
  export REHOME_RESTORE_CONFIRMTIMEOUT=${boot_seconds}s
  base=http://127.0.0.1:$REHOME_API_PORT
  # QEMU, another user, reads seeds in there and makes its sockets there.
  install -d -m 0755 "$REHOME_DATA_PATH"
  setpriv --pdeathsig TERM "$rehome" serve >"$work/rehome.log" 2>&1 &
  server=$!
  until curl -fsS -o /dev/null "$base/readyz" 2>/dev/null; do
    kill -0 "$server" 2>/dev/null || die "the server ended at once"
    ((SECONDS < deadline)) || die "the server was not ready within $server_seconds s"
    sleep 0.1
  done
}

get() { # PATH: what the API answers
  curl -fsS "$base$1" -H "Authorization: Bearer $key" -H "Accept: application/json"
}

register() { # GUEST: prints the VPS's id
  "$rehome" vps add --client "$client" --domain "$1" --name "$1" --hostname "$1.example.org" \
    --network "$work/$1/network-config" --adopt-seed --json | jq -er .id
}

# Follows a job over HTTP for a few answers, then with the command, and shows how it ended.
follow() { # JOB POLL-URL
  say "the poll URL says:"
  get "$2" | jq -c '.operation | {status, step: .progress.step, percent: .progress.percent}' |
    sed 's/^/     /'
  show "$rehome" job watch "$1"
  say "and in the end:"
  get "$2" | jq '.operation | {status, result, error}' | sed 's/^/     /'
  [[ $(get "$2" | jq -r .operation.status) == completed ]] || die "the job did not complete"
}

expect() { # WHAT SEEN WANTED
  [[ $2 == "$3" ]] || die "$1 is '$2', and not '$3'"
}

# --- The demonstration ----------------------------------------------------------------------------

heading "1. What it needs"
"$here/install-dependencies.sh"

heading "2. Building Rehome (some minutes the first time)"
command -v swift >/dev/null || die "there is no swift; get Swift 6.3 from https://swift.org/install"
(cd "$repository" && swift build --product rehome --explicit-target-dependency-import-check error)
rehome=$(cd "$repository" && swift build --show-bin-path)/rehome
readonly rehome

heading "3. A libvirt and two Debian guests of their own"
work=$(mktemp -d /tmp/rehome-demo-XXXXXX)
chmod 0755 "$work"
start_libvirt
say "libvirt $(virsh version --daemon | sed -n 's/^Running against daemon: //p'), unprivileged, in $work"
make_guest first "$first_mac" 10.0.2.11/24
make_guest second "$second_mac" 10.0.2.22/24
for guest in first second; do
  say "$guest boots..."
  start_guest "$guest"
  inside "$guest" "printf '%s\n' \"$guest guest's data\" >/srv/data; sync"
done
first_before=$(inside first 'cat /proc/sys/kernel/random/boot_id')
second_before=$(whoami_inside second)
for guest in first second; do
  printf '\n   %s says:\n' "$guest"
  whoami_inside "$guest" | sed 's/^/     /'
done

heading "4. Rehome"
start_server
say "listens on $base"
client=$("$rehome" client create acme --json | jq -er .id)
key=$("$rehome" key create --client "$client" --scope read:vm --scope backup:vm --json | jq -er .key)
source_id=$(register first)
target_id=$(register second)
show "$rehome" vps list

heading "5. A backup of the first guest, which runs"
show "$rehome" backup create "$source_id" --wait

heading "6. What can be put onto the second guest"
say "\$ curl \"$base/api/v2/vps/$target_id/backups/restore-sources\""
sources=$(get "/api/v2/vps/$target_id/backups/restore-sources")
jq . <<<"$sources" | sed 's/^/     /'
backup_id=$(jq -er --arg id "$source_id" '.sources[] | select(.id == $id) | .backups[0].id' <<<"$sources")
get "/api/v2/vps/$target_id" | jq -c '{canRestoreFromAnotherVps: .actions.canRestoreFromAnotherVps}' |
  sed 's/^/     /'

heading "7. The first guest's backup onto the second"
cat <<TEXT
   \$ curl -X POST "$base/api/v2/vps/$target_id/backups/actions/restore-from-vps" \\
       -H "Authorization: Bearer YOUR_API_KEY" \\
       -H "Accept: application/json" \\
       -H "Content-Type: application/json" \\
       -d '{
         "sourceVpsId": "$source_id",
         "backupId": "$backup_id"
       }'
TEXT
answer=$(curl -sS --fail-with-body -X POST "$base/api/v2/vps/$target_id/backups/actions/restore-from-vps" \
  -H "Authorization: Bearer $key" \
  -H "Accept: application/json" \
  -H "Content-Type: application/json" \
  -d '{
    "sourceVpsId": "'"$source_id"'",
    "backupId": "'"$backup_id"'"
  }') || die "the server refused: $answer"
jq . <<<"$answer" | sed 's/^/     /'
job=$(jq -er .operation.jobId <<<"$answer")
follow "$job" "$(jq -er .operation.pollUrl <<<"$answer")"

heading "8. What the second guest itself says now"
await_guest second
second_after=$(whoami_inside second)
sed 's/^/     /' <<<"$second_after"
expect "the second guest's file" "$(field data "$second_after")" "first guest's data"
for name in hostname mac address machine-id; do
  expect "the second guest's $name" "$(field $name "$second_after")" "$(field $name "$second_before")"
done
say "The first guest's data under the second guest's own name, hardware address, address and id."
expect "the first guest's boot" "$(inside first 'cat /proc/sys/kernel/random/boot_id')" "$first_before"
say "The first guest never stopped: it is still boot $first_before, up $(inside first 'cut -d. -f1 /proc/uptime') s."

heading "9. Taking it back"
show "$rehome" restore undo "$job" --wait
await_guest second
second_undone=$(whoami_inside second)
sed 's/^/     /' <<<"$second_undone"
expect "what the second guest says" "$second_undone" "$second_before"
say "The second guest is what it was before, its SSH host key included."

heading "Done"
