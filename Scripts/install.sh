#!/usr/bin/env bash
# Installs Rehome on this host: the program, its settings, its user and its service.
#
#   install.sh                    (make install)
#   DESTDIR=/tree install.sh      lays the files out below /tree, and makes no user
#   PROGRAM=/path/of/rehome       what is installed; otherwise it is built for release
#
# Safe to repeat: a newer program and unit replace the old, settings are left as they are, and
# nothing is started or stopped.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly root=${DESTDIR:-}
program=${PROGRAM:-}

say() { echo "install: $*"; }

if [[ -z $root && $EUID -ne 0 ]]; then
  say "needs root: sudo make install" >&2
  exit 1
fi
if [[ -z $program ]]; then
  if ! command -v swift >/dev/null; then
    # sudo's own path seldom has it.
    say 'no swift in the path: sudo env "PATH=$PATH" make install' >&2
    exit 1
  fi
  [[ -n $root ]] || Scripts/install-dependencies.sh --build --run
  swift build -c release --static-swift-stdlib --product rehome --scratch-path .build-release
  program=.build-release/release/rehome
fi

install -D -m 0755 "$program" "$root/usr/local/bin/rehome"
for unit in rehome.service rehome.slice rehome-recover.service; do
  install -D -m 0644 "Packaging/$unit" "$root/usr/local/lib/systemd/system/$unit"
done
install -D -m 0644 Packaging/rehome.sysusers "$root/usr/local/lib/sysusers.d/rehome.conf"
if [[ -e $root/etc/rehome/rehome.yaml ]]; then
  say "/etc/rehome/rehome.yaml is left as it is"
else
  install -D -m 0640 Packaging/rehome.yaml "$root/etc/rehome/rehome.yaml"
fi
[[ -z $root ]] || exit 0

systemd-sysusers /usr/local/lib/sysusers.d/rehome.conf
chown root:rehome /etc/rehome/rehome.yaml
# A host that is no systemd's, such as a container, has the files all the same.
if [[ -d /run/systemd/system ]]; then systemctl daemon-reload; fi
say "done; start it with: systemctl enable --now rehome rehome-recover"
say "commands run as its user: sudo -u rehome rehome doctor"
