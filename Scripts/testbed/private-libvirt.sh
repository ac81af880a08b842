#!/usr/bin/env bash
# A libvirt of one's own: unprivileged, in one directory, gone without trace when stopped.
#
#   private-libvirt.sh start DIR    starts libvirtd and prints the URI to reach it
#   private-libvirt.sh stop DIR     stops it and every guest it started; DIR itself stays
#   private-libvirt.sh guard DIR    as start, in a DIR that does not exist yet; then waits until its
#                                   standard input ends or its parent dies, stops, and removes DIR;
#                                   so a killed test leaves nothing behind
#
# What libvirt finds out about QEMU takes it seconds, so it is kept in REHOME_TESTBED_CACHE
# (~/.cache/rehome-testbed); libvirt itself sees when it is out of date.
#
# libvirtd and QEMU run as uid and gid 65534 (nobody): images must be readable and writable by it.
# Needs root (to change the uid), libvirt-daemon, libvirt-daemon-driver-qemu, libvirt-clients.
set -euo pipefail

readonly run_as=65534
readonly start_seconds=60 stop_seconds=10

die() {
  echo "private-libvirt: $*" >&2
  exit 1
}

usage() {
  sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
  exit 2
}

# Unix socket addresses are at most 107 bytes, and libvirt puts sockets deep under its folders.
prepare() {
  local length_limit=40
  ((${#dir} <= length_limit)) || die "$dir is longer than $length_limit bytes: sockets won't fit"
  install -d -o "$run_as" -g "$run_as" -m 0755 "$dir"
  install -d -o "$run_as" -g "$run_as" -m 0700 \
    "$dir"/{c,cache,data,home,run,state} "$dir/c/libvirt"
  cat >"$dir/c/libvirt/libvirtd.conf" <<CONF
listen_tls = 0
listen_tcp = 0
unix_sock_rw_perms = "0700"
auth_unix_rw = "none"
auth_unix_ro = "none"
log_outputs = "2:file:$dir/libvirtd.log"
log_filters = "4:util.dnsmasq 4:util.netlink"
CONF
  cat >"$dir/c/libvirt/qemu.conf" <<CONF
stdio_handler = "file"
security_driver = "none"
remember_owner = 0
namespaces = []
cgroup_controllers = []
CONF
}

# Both ways file by file, each put in place by a rename: others may be doing the same.
copy_capabilities() { # FROM TO
  local file partial
  [[ -d $1 ]] || return 0
  mkdir -p "$2"
  for file in "$1"/*.xml; do
    [[ -f $file && ! $2/${file##*/} -nt $file ]] || continue
    partial=$(mktemp "$2/.XXXXXX")
    cp -p "$file" "$partial"
    mv "$partial" "$2/${file##*/}"
  done
}

is_ours() { # PID: does it live, and does its command line name our folder?
  [[ -r /proc/$1/cmdline ]] && tr '\0' ' ' 2>/dev/null <"/proc/$1/cmdline" | grep -qF "$dir/"
}

pid_in() { # FILE: the live process of ours that the file names, or nothing
  local pid
  pid=$(cat "$1" 2>/dev/null) || return 0
  if [[ $pid =~ ^[0-9]+$ ]] && is_ours "$pid"; then echo "$pid"; fi
}

end_process() { # PID: asks, waits, insists
  local pid=$1 tries=$((stop_seconds * 20))
  kill -CONT "$pid" 2>/dev/null || true
  kill -TERM "$pid" 2>/dev/null || return 0
  while ((tries-- > 0)); do
    is_ours "$pid" || return 0
    sleep 0.05
  done
  kill -KILL "$pid" 2>/dev/null || true
}

start() {
  command -v libvirtd >/dev/null || die "libvirtd is not installed"
  [[ $EUID -eq 0 ]] || die "must run as root, to run libvirtd as uid $run_as"
  [[ -z $(pid_in "$dir/libvirtd.pid") ]] || die "one is running in $dir already"
  prepare
  copy_capabilities "$kept_capabilities" "$capabilities"
  chown -R "$run_as:$run_as" "$dir/cache"
  rm -f "$dir/libvirtd.pid"
  (
    cd "$dir"
    # A daemon that kept its starter's descriptors would keep its locks and pipes open, too.
    for descriptor in "/proc/$BASHPID/fd"/*; do
      ((${descriptor##*/} <= 2)) || eval "exec ${descriptor##*/}>&-"
    done
    exec setsid setpriv --reuid="$run_as" --regid="$run_as" --clear-groups \
      env -i PATH="$PATH" LC_ALL=C HOME="$dir/home" XDG_CONFIG_HOME="$dir/c" \
      XDG_CACHE_HOME="$dir/cache" XDG_DATA_HOME="$dir/data" XDG_STATE_HOME="$dir/state" \
      XDG_RUNTIME_DIR="$dir/run" \
      libvirtd --config "$dir/c/libvirt/libvirtd.conf" --pid-file "$dir/libvirtd.pid"
  ) </dev/null >"$dir/libvirtd.out" 2>&1 &
  local child=$!
  disown "$child" # bash would report how it ends
  local deadline=$((SECONDS + start_seconds))
  until timeout 5 virsh -q -c "$uri" version >/dev/null 2>&1; do
    kill -0 "$child" 2>/dev/null || die "libvirtd ended at once: $(tail -n 3 "$dir/libvirtd.out")"
    ((SECONDS < deadline)) || {
      stop
      die "libvirtd did not answer within $start_seconds s, see $dir/libvirtd.log"
    }
    sleep 0.1
  done
  copy_capabilities "$capabilities" "$kept_capabilities"
  echo "$uri"
}

stop() {
  local pid file
  # The daemon first: it must not start or remember anything while its guests are ended.
  pid=$(pid_in "$dir/libvirtd.pid")
  [[ -z $pid ]] || end_process "$pid"
  for file in "$dir"/run/libvirt/qemu/run/*.pid; do
    pid=$(pid_in "$file")
    [[ -z $pid ]] || end_process "$pid"
  done
  rm -f "$dir/libvirtd.pid"
}

unmount_all() { # tests may mount small file systems below our folder
  local mount_point
  awk -v below="$dir/" 'index($2, below) == 1 { print $2 }' /proc/mounts |
    while read -r mount_point; do umount -l "$mount_point" || true; done
}

parent_of_this() { awk '{ print $4 }' "/proc/$$/stat"; }

guard() {
  local parent status
  mkdir "$dir" 2>/dev/null || die "$dir exists already, or its parent does not"
  parent=$(parent_of_this)
  # An interrupt at the terminal reaches the whole group; clean-up must not be cut short by it.
  trap : INT TERM HUP
  trap 'stop; unmount_all; rm -rf "$dir"' EXIT
  start
  exec >/dev/null
  while [[ $(parent_of_this) == "$parent" ]]; do
    status=0
    read -r -t 1 _ || status=$?
    # Above 128 the second was up (or a signal came); anything else is the end of the input.
    ((status == 0 || status > 128)) || break
  done
}

[[ $# -eq 2 && $2 == /* ]] || usage
readonly action=$1 dir=${2%/}
readonly capabilities=$dir/cache/libvirt/qemu/cache/capabilities
readonly kept_capabilities=${REHOME_TESTBED_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rehome-testbed}/libvirt
readonly uri="qemu+unix:///session?socket=$dir/run/libvirt/libvirt-sock"
case $action in
  start) start ;;
  stop) stop ;;
  guard) guard ;;
  *) usage ;;
esac
