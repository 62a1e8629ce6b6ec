#!/usr/bin/env bash
# Runs clang-tidy 14 with the checks that .clang-tidy allows; each finding is an error.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<TEXT
usage: scripts/lint.sh [--all] [FILE...]

Lints the sources that need no torch (src/core, methods, memory, metrics, codec, backend/cpu, report, planner): about 2 s a file.
  --all    the sources that need torch too: 20 s a file and more
  FILE...  these alone (with --all where they need torch)
clang-tidy 14 must be there (scripts/setup.sh --lint installs it). Commands come from build-lint/, configured here.
TEXT
}

all=no
torch=OFF
files=()
while [ $# -gt 0 ]; do
  case "$1" in
    --all) all=yes torch=ON ;;
    -h|--help) usage; exit 0 ;;
    -*) usage >&2; exit 2 ;;
    *) files+=("$1") ;;
  esac
  shift
done

tool=
for candidate in clang-tidy-14 clang-tidy; do
  if "$candidate" --version 2>/dev/null | grep -q 'version 14\.'; then
    tool="$candidate"
    break
  fi
done
[ -n "$tool" ] || { echo "lint: clang-tidy 14 is missing; run scripts/setup.sh --lint" >&2; exit 2; }

# No precompiled header here: clang cannot read those of g++.
cmake -S . -B build-lint -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON \
      -DCMAKE_CXX_COMPILER_LAUNCHER=env -DCINCH_BUILD_TESTS=OFF -DCINCH_WITH_TORCH="$torch" >/dev/null

if [ ${#files[@]} = 0 ]; then
  folders=(src/core src/methods src/memory src/metrics src/codec src/backend/cpu src/report planner)
  [ "$all" = no ] || folders+=(src/backend hooks examples bench)
  mapfile -t files < <(for folder in "${folders[@]}"; do [ ! -d "$folder" ] || find "$folder" -name '*.cpp'; done | sort -u)
fi
[ ${#files[@]} -gt 0 ] || { echo "lint: no files" >&2; exit 2; }

if ! printf '%s\0' "${files[@]}" |
    xargs -0 -n 4 -P "${JOBS:-$(nproc)}" "$tool" -p build-lint --quiet 2> >(grep -v 'warnings generated' >&2); then
  echo "lint: clang-tidy has findings in the files above" >&2
  exit 1
fi
echo "lint: ${#files[@]} files, no findings"
