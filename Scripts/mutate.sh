#!/usr/bin/env bash
# Breaks each promise of the page "What can't go wrong, and how we know", and sees its test fail.
#
#   mutate.sh [NAME...]     those of Tests/Mutations whose names begin so; all if none is named
#
# Each takes one safeguard out of the program, in a tree of its own below .build-mutate that holds what
# is committed; then the tests that it names must fail, each of them, which have passed before with nothing
# taken out. Builds first, which takes minutes, then a minute or less for each. Fails if a test still passes
# ("survived"), if it fails anyway, if a mutation doesn't apply or build any more, or if it names a test that
# isn't there.
# Prints one line a figure at its end, `figure NAME VALUE`:
#   mutations            how many were tried
#   mutations-survived   how many of them no test noticed, or couldn't be tried
set -euo pipefail
cd "$(dirname "$0")/.."

readonly home=$PWD
readonly tree=$home/.build-mutate/tree
# What a test may take: some only notice that something never comes.
readonly limit=${LIMIT:-300}

mutations() {
  local name
  for name in "${@:-}"; do ls "$home/Tests/Mutations/$name"*.diff; done | sort -u
}

field() { # NAME FILE
  sed -n "/^diff --git/q; s/^$1: //p" "$2"
}

prepare() {
  git worktree prune
  if [[ -d $tree ]]; then
    git -C "$tree" checkout --quiet --force --detach "$(git rev-parse HEAD)"
    git -C "$tree" clean --quiet -fd
  else
    git worktree add --quiet --detach "$tree" HEAD
  fi
  # What a mutation leaves unused is no fault here.
  sed -i '/treatAllWarnings/d' "$tree/Package.swift"
  if [[ -f Package.resolved ]]; then cp Package.resolved "$tree/"; fi
}

build() {
  swift build --package-path "$tree" --build-tests --explicit-target-dependency-import-check error \
    >"$tree/../build.log" 2>&1
}

# The package manager doesn't build what imports a C header again when that has changed.
touch_importers() { # FILE
  local module
  sed -n 's|^+++ b/Sources/\([^/]*\)/.*\.h$|\1|p' "$1" | sort -u | while IFS= read -r module; do
    grep -rlE "import $module\$" "$tree/Sources" --include='*.swift' | xargs -r touch
  done
}

# A regular expression for nothing but these words.
quoted() { sed 's/[][().*+?^${}|\\/]/\\&/g' <<<"$1"; }

# 0: it fails, or doesn't end; 1: it passes; 2: there is none.
fails() { # TARGET TEST
  local log=$tree/../test.log code=0
  (
    cd "$tree"
    exec timeout -k 10 "$limit" .build/debug/rehomePackageTests.xctest \
      --testing-library swift-testing --filter "^$1\\..*\`$(quoted "$2")\`"
  ) >"$log" 2>&1 </dev/null || code=$?
  if ! grep -aq 'Test run started' "$log"; then return 2; fi
  # The package manager's runner has another code for a filter that no test passes.
  if grep -aqE 'with 0 tests|No matching test' "$log" || [[ $code -eq 69 ]]; then return 2; fi
  [[ $code -ne 0 ]]
}

# Prints what came of a mutation; fails unless its tests noticed it.
try() { # FILE
  local target test code all=0
  target=$(field Target "$1")
  if ! git -C "$tree" apply "$1" 2>"$tree/../build.log"; then
    echo "doesn't apply"
    return 1
  fi
  touch_importers "$1"
  if ! build; then
    grep -a 'error:' "$tree/../build.log" | sort -u | head -5 >&2 || true
    echo "doesn't build"
    all=1
  else
    while IFS= read -r test; do
      code=0
      fails "$target" "$test" || code=$?
      case $code in
        0) ;;
        1) echo "survived: $test" && all=1 ;;
        *) echo "no such test: $test" && all=1 ;;
      esac
    done < <(field Test "$1")
  fi
  git -C "$tree" checkout --quiet --force -- Sources
  git -C "$tree" clean --quiet -fd Sources
  touch_importers "$1"
  return $all
}

prepare
echo "mutate: building" >&2
build || { tail -n 20 "$tree/../build.log" >&2 && exit 1; }

# One that fails with nothing taken out would notice everything.
unsound=0
while IFS=$'\t' read -r target test; do
  code=0
  fails "$target" "$test" || code=$?
  [[ $code -eq 1 ]] || { unsound=1 && echo "doesn't pass as it is: $target, $test"; }
done < <(
  while IFS= read -r file; do
    field Test "$file" | sed "s/^/$(field Target "$file")\t/"
  done < <(mutations "$@") | sort -u
)
[[ $unsound -eq 0 ]] || exit 1

tried=0
survived=0
while IFS= read -r file; do
  name=$(basename "$file" .diff)
  tried=$((tried + 1))
  started=$SECONDS
  if said=$(try "$file"); then
    echo "noticed   $name ($((SECONDS - started)) s)"
  else
    survived=$((survived + 1))
    echo "FAILED    $name: $said"
  fi
done < <(mutations "$@")
echo "figure mutations $tried"
echo "figure mutations-survived $survived"
[[ $survived -eq 0 ]]
