#!/usr/bin/env bash
# Formats the C++ sources with clang-format 14, or checks them.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<TEXT
usage: scripts/format.sh [--check] [FILE...]

Formats FILEs (default: every .h, .cpp, .cu, .cuh of the repository) in place.
  --check   change nothing; list the files that are not formatted and exit 1
clang-format 14 must be there (scripts/setup.sh --lint installs it): other versions format otherwise.
TEXT
}

check=no
files=()
while [ $# -gt 0 ]; do
  case "$1" in
    --check) check=yes ;;
    -h|--help) usage; exit 0 ;;
    -*) usage >&2; exit 2 ;;
    *) files+=("$1") ;;
  esac
  shift
done

tool=
for candidate in clang-format-14 clang-format; do
  if "$candidate" --version 2>/dev/null | grep -q 'version 14\.'; then
    tool="$candidate"
    break
  fi
done
[ -n "$tool" ] || { echo "format: clang-format 14 is missing; run scripts/setup.sh --lint" >&2; exit 2; }

if [ ${#files[@]} = 0 ]; then
  mapfile -t files < <(find include src planner hooks examples bench tests cmake -type f \
                         \( -name '*.h' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh' \) | sort)
fi
[ ${#files[@]} -gt 0 ] || { echo "format: no files" >&2; exit 2; }

if [ "$check" = no ]; then
  "$tool" -i "${files[@]}"
  echo "format: ${#files[@]} files formatted"
  exit 0
fi
bad=()
for file in "${files[@]}"; do
  "$tool" --dry-run --Werror "$file" 2>/dev/null || bad+=("$file")
done
if [ ${#bad[@]} -gt 0 ]; then
  printf '%s: not formatted\n' "${bad[@]}"
  echo "format: ${#bad[@]} of ${#files[@]} files; run scripts/format.sh"
  exit 1
fi
echo "format: ${#files[@]} files, all formatted"
