# The demonstration's guests: making them, and asking them by their agents. Read by demo.sh with
# `source`; it uses $here, $work, $format, $boot_seconds, $agent_seconds and die from there.
# shellcheck shell=bash

readonly qemu_owner=65534:65534

# A guest with a disk, a first seed as operators make them, and a definition; it isn't started.
make_guest() { # NAME MAC ADDRESS
  local folder=$work/$1
  install -d -m 0755 "$folder" "$folder/seed"
  "$here/testbed/debian-guest.sh" "$folder/disk.$format"
  printf 'instance-id: %s-made\nlocal-hostname: %s.example.org\n' "$1" "$1" >"$folder/seed/meta-data"
  printf '#cloud-config\n{}\n' >"$folder/seed/user-data"
  cat >"$folder/network-config" <<YAML
version: 2
ethernets:
  wan:
    match: { macaddress: "$2" }
    set-name: eth0
    addresses: [ $3 ]
YAML
  cp "$folder/network-config" "$folder/seed/"
  xorriso -as genisoimage -quiet -o "$folder/seed.iso" -V CIDATA -J -r "$folder/seed" 2>/dev/null
  write_definition "$@" >"$folder/domain.xml"
  chown -R "$qemu_owner" "$folder"
  virsh -q define "$folder/domain.xml" >/dev/null
}

# The seed is a virtio disk: Debian's kernel for virtual machines has no driver for SATA.
write_definition() { # NAME MAC
  local folder=$work/$1
  cat <<XML
<domain type='qemu'>
  <name>$1</name>
  <memory unit='MiB'>1024</memory>
  <vcpu>2</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type><boot dev='hd'/></os>
  <features><acpi/></features>
  <cpu mode='maximum'/>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='$format' discard='unmap'/>
      <source file='$folder/disk.$format'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='$folder/seed.iso'/>
      <target dev='vdb' bus='virtio'/>
      <readonly/>
    </disk>
    <interface type='user'><mac address='$2'/><model type='virtio'/><rom enabled='no'/></interface>
    <serial type='file'><source path='$folder/console.log'/></serial>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
    <memballoon model='none'/>
  </devices>
</domain>
XML
}

start_guest() { # NAME
  virsh -q start "$1" >/dev/null
  await_guest "$1"
}

# Waits until cloud-init is through and the agent answers; the console's log is new at each start.
await_guest() { # NAME
  local deadline=$((SECONDS + boot_seconds))
  until grep -aq GUEST-READY "$work/$1/console.log" && agent "$1" '{"execute":"guest-ping"}' >/dev/null; do
    if ((SECONDS >= deadline)); then
      tail -n 20 "$work/$1/console.log" >&2
      die "$1 did not come up within $boot_seconds s"
    fi
    sleep 0.5
  done
}

agent() { # NAME COMMAND
  virsh -q qemu-agent-command "$1" --timeout 10 "$2" 2>/dev/null
}

# Runs a shell command in a guest and prints what it printed.
inside() { # NAME COMMAND
  local request answer pid deadline=$((SECONDS + agent_seconds))
  request=$(jq -nc --arg command "$2" '{execute: "guest-exec", arguments: {
    path: "/bin/sh", arg: ["-c", $command], "capture-output": true}}')
  answer=$(agent "$1" "$request") || die "$1's agent does not answer"
  pid=$(jq -er .return.pid <<<"$answer")
  request='{"execute":"guest-exec-status","arguments":{"pid":'$pid'}}'
  until answer=$(agent "$1" "$request") && [[ $(jq .return.exited <<<"$answer") == true ]]; do
    ((SECONDS < deadline)) || die "a command in $1 did not end: $2"
    sleep 0.2
  done
  jq -r '.return["out-data"] // ""' <<<"$answer" | base64 -d
  [[ $(jq .return.exitcode <<<"$answer") == 0 ]] || die "a command failed in $1: $2"
}

# Who a guest says that it is, one field a line.
whoami_inside() { # NAME
  inside "$1" '
    echo "data:       $(cat /srv/data)"
    echo "hostname:   $(hostname)"
    echo "mac:        $(cat /sys/class/net/eth0/address)"
    echo "address:    $(ip -4 -o address show dev eth0 scope global | awk "{ print \$4 }")"
    echo "machine-id: $(cat /etc/machine-id)"
    echo "ssh key:    $(ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub | cut -d" " -f2)"'
}

field() { # NAME TEXT: one line of it
  sed -n "s/^$1: *//p" <<<"$2"
}
