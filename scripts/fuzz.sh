#!/usr/bin/env bash
# Builds the fuzzers of the codecs with clang and sanitizers, and runs them from the seeds.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<TEXT
usage: scripts/fuzz.sh [SECONDS] [decode|encode]

Builds into build-fuzz/ (clang 14 with its sanitizers: Debian's clang-14 and libclang-rt-14-dev) and runs both fuzzers,
or the one named, for SECONDS each (default 60), on what earlier runs found as well.
Inputs that break the contract are kept in build-fuzz/crashes/; a mended one belongs in tests/fuzz/regressions/, which
the test fuzz.replay goes through with every compiler.

Environment: JOBS sets how many compilers run at once.
TEXT
}

seconds=60
targets=(decode encode)
for argument in "$@"; do
  case "$argument" in
    -h|--help) usage; exit 0 ;;
    decode|encode) targets=("$argument") ;;
    *[!0-9]*|'') usage >&2; exit 2 ;;
    *) seconds="$argument" ;;
  esac
done
command -v clang++-14 >/dev/null || { echo "fuzz: clang++-14 is missing" >&2; exit 2; }

cmake --preset fuzz
cmake --build --preset fuzz -j "${JOBS:-$(nproc)}"
folder="$PWD/build-fuzz/corpus"
build-fuzz/bin/cinch_fuzz_make_corpus "$folder/seeds"
mkdir -p build-fuzz/crashes

failed=0
for target in "${targets[@]}"; do
  mkdir -p "$folder/found/$target"
  UBSAN_OPTIONS="print_stacktrace=1${UBSAN_OPTIONS:+:$UBSAN_OPTIONS}" "build-fuzz/bin/cinch_fuzz_$target" \
    "$folder/found/$target" "$folder/seeds/$target" "tests/fuzz/regressions/$target" \
    -max_total_time="$seconds" -timeout=30 -rss_limit_mb=4096 -print_final_stats=1 \
    -artifact_prefix="build-fuzz/crashes/$target-" || failed=1
done
exit "$failed"
