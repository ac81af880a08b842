#!/usr/bin/env bash
# A libvirt of one's own: unprivileged, in one directory, gone without trace when stopped.
#
#   private-libvirt.sh start DIR [bridged]
#       starts libvirtd and prints the URI to reach it
#   private-libvirt.sh stop DIR [bridged]
#       stops it and every guest it started; DIR itself stays
#   private-libvirt.sh guard DIR [bridged]
#       as start, in a DIR that does not exist yet; then waits until its standard input ends or its
#       parent dies, stops, and removes DIR; so a killed test leaves nothing behind
#
# bridged: a libvirt of the system's kind, which runs as root and filters what guests send. It sees a
# network of its own, with a bridge br0 whose address is 10.77.0.1/24, and none of the host's files of
# libvirt: enter it with nsenter --net --target the process id in DIR/libvirtd.pid.
#
# What libvirt finds out about QEMU takes it seconds, so it is kept in REHOME_TESTBED_CACHE
# (~/.cache/rehome-testbed); libvirt itself sees when it is out of date.
#
# QEMU runs as uid and gid 65534 (nobody), and so does libvirtd unless it is bridged: images must be
# readable and writable by it. Needs root (to change the uid), libvirt-daemon,
# libvirt-daemon-driver-qemu, libvirt-clients; bridged ebtables, iptables, iproute2 as well.
set -euo pipefail

readonly run_as=65534
readonly start_seconds=60 stop_seconds=10

die() {
  echo "private-libvirt: $*" >&2
  exit 1
}

usage() {
  sed -n '2,15s/^# \{0,1\}//p' "$0" >&2
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
  [[ -z $bridged ]] || prepare_bridged
  cat >>"$dir/c/libvirt/qemu.conf" <<CONF
stdio_handler = "file"
security_driver = "none"
remember_owner = 0
namespaces = []
cgroup_controllers = []
CONF
}

# What libvirt of the system's kind asks of the host's users and folders.
prepare_bridged() {
  install -d -m 0755 "$dir"/{lib,log,system}
  echo "unix_sock_dir = \"$dir/run/libvirt\"" >>"$dir/c/libvirt/libvirtd.conf"
  cat >"$dir/c/libvirt/qemu.conf" <<CONF
user = "+$run_as"
group = "+$run_as"
CONF
  # The packages without a system's service don't make the user that they mean QEMU to be.
  sed '/^libvirt-qemu:/d' /etc/passwd >"$dir/system/passwd"
  sed '/^libvirt-qemu:/d' /etc/group >"$dir/system/group"
  echo "libvirt-qemu:x:$run_as:$run_as::/:/usr/sbin/nologin" >>"$dir/system/passwd"
  echo "libvirt-qemu:x:$run_as:" >>"$dir/system/group"
  # libvirt asks QEMU as root and its user's rights: what one may and the other mayn't, it asks anew each
  # time, which takes it seconds.
  if [[ -c /dev/kvm ]]; then
    mknod -m 0660 "$dir/system/kvm" c "0x$(stat -c %t /dev/kvm)" "0x$(stat -c %T /dev/kvm)"
    chown "0:$run_as" "$dir/system/kvm"
  fi
  install -d -m 0755 "$dir"/run/libvirt "$dir"/cache/libvirt
  chmod 0755 "$dir"/{c,c/libvirt,cache,run}
}

# In a network and with mounts of its own: becomes libvirtd.
run_bridged() {
  local pair
  mount -t sysfs sysfs /sys
  for pair in c/libvirt:/etc/libvirt lib:/var/lib/libvirt log:/var/log/libvirt \
    cache/libvirt:/var/cache/libvirt run/libvirt:/run/libvirt \
    system/passwd:/etc/passwd system/group:/etc/group system/kvm:/dev/kvm; do
    [[ -e $dir/${pair%%:*} ]] || continue
    [[ -e ${pair#*:} ]] || mkdir -p "${pair#*:}"
    mount --bind "$dir/${pair%%:*}" "${pair#*:}"
  done
  ip link set lo up
  ip link add br0 type bridge
  ip address add 10.77.0.1/24 dev br0
  ip link set br0 up
  exec env -i PATH="$PATH" LC_ALL=C \
    libvirtd --config "$dir/c/libvirt/libvirtd.conf" --pid-file "$dir/libvirtd.pid"
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
  [[ -n $bridged ]] || chown -R "$run_as:$run_as" "$dir/cache"
  rm -f "$dir/libvirtd.pid"
  (
    cd "$dir"
    # A daemon that kept its starter's descriptors would keep its locks and pipes open, too.
    for descriptor in "/proc/$BASHPID/fd"/*; do
      ((${descriptor##*/} <= 2)) || eval "exec ${descriptor##*/}>&-"
    done
    [[ -z $bridged ]] ||
      exec setsid unshare --net --mount --propagation private "$self" enter "$dir" bridged
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
  for file in "$dir"/run/libvirt/qemu/{run/,}*.pid; do
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

[[ $# -ge 2 && $# -le 3 && $2 == /* && ${3:-bridged} == bridged ]] || usage
readonly action=$1 dir=${2%/} bridged=${3:-} self=$(realpath "$0")
readonly cache=${REHOME_TESTBED_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/rehome-testbed}
if [[ -n $bridged ]]; then
  readonly kind=system capabilities=$dir/cache/libvirt/qemu/capabilities
  readonly kept_capabilities=$cache/libvirt-system
else
  readonly kind=session capabilities=$dir/cache/libvirt/qemu/cache/capabilities
  readonly kept_capabilities=$cache/libvirt
fi
readonly uri="qemu+unix:///$kind?socket=$dir/run/libvirt/libvirt-sock"
case $action in
  enter) run_bridged ;;
  start) start ;;
  stop) stop ;;
  guard) guard ;;
  *) usage ;;
esac
