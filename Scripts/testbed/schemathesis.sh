#!/usr/bin/env bash
# Runs schemathesis, which tests a server against its own OpenAPI document.
#
#   schemathesis.sh ARGUMENT...
#
# It comes from PyPI, once, into a Python environment of its own under REHOME_TESTBED_CACHE
# (~/.cache/rehome-testbed). The version is fixed: a newer one knows other checks.
set -euo pipefail

readonly version=4.32.5
readonly cache=${REHOME_TESTBED_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/rehome-testbed}
readonly environment=$cache/schemathesis-$version

if [[ ! -x $environment/bin/st ]]; then
  mkdir -p "$cache"
  exec 9>"$cache/schemathesis.lock"
  flock 9
  if [[ ! -x $environment/bin/st ]]; then
    # Made under its final name, which its programs hold; one that is half made has no `st` yet.
    rm -rf "$environment"
    python3 -m venv "$environment" >&2
    "$environment/bin/pip" install -q --disable-pip-version-check "schemathesis==$version" >&2
  fi
  exec 9>&-
fi
exec "$environment/bin/st" "$@"
