#!/usr/bin/env bash
# Sets up, builds into build/ and runs the tests.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<TEXT
usage: scripts/test.sh [--build-only] [--full] [CTEST_ARGUMENT...]

Runs scripts/setup.sh, configures and builds into build/, runs every test but those labelled slow.
  --build-only   stop after the build
  --full         the slow tests too, then the torch-free tests again under the address and undefined sanitizers
  CTEST_ARGUMENT goes to ctest: -R GroupQuant, -L unit, --verbose

Environment: CINCH_WERROR=ON makes warnings errors; JOBS sets how many compilers and tests run at once;
CINCH_WITH_CUDA, CINCH_WITH_METRICS, CINCH_WITH_REPORT=ON|OFF|AUTO and CINCH_CUDA_ARCHITECTURES="80;90" are handed to
CMake; CINCH_TEST_REQUIRE=1 makes tests of reports and monitoring fail where they would be skipped.
TEXT
}

build_only=no
full=no
ctest_arguments=()
while [ $# -gt 0 ]; do
  case "$1" in
    --build-only) build_only=yes ;;
    --full) full=yes ;;
    -h|--help) usage; exit 0 ;;
    *) ctest_arguments+=("$1") ;;
  esac
  shift
done

jobs="${JOBS:-$(nproc)}"
scripts/setup.sh
cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DCINCH_WERROR="${CINCH_WERROR:-OFF}" \
      ${CINCH_WITH_CUDA:+-DCINCH_WITH_CUDA="$CINCH_WITH_CUDA"} \
      ${CINCH_WITH_METRICS:+-DCINCH_WITH_METRICS="$CINCH_WITH_METRICS"} \
      ${CINCH_WITH_REPORT:+-DCINCH_WITH_REPORT="$CINCH_WITH_REPORT"} \
      ${CINCH_CUDA_ARCHITECTURES:+-DCINCH_CUDA_ARCHITECTURES="$CINCH_CUDA_ARCHITECTURES"} \
      ${CINCH_TORCH_DIR:+-DCINCH_TORCH_DIR="$CINCH_TORCH_DIR"}
cmake --build build -j "$jobs"
[ "$build_only" = no ] || exit 0

# Threads that wait must not spin: several tests share the cores.
export OMP_WAIT_POLICY=passive

if [ "$full" = yes ]; then
  cmake --preset asan
  cmake --build --preset asan -j "$jobs" --target cinch_test_core cinch_test_codec cinch_test_planner cinch_fuzz_replay
  ctest --preset asan -j "$jobs" -L unit
else
  ctest_arguments+=(-LE slow)
fi
ctest --test-dir build -j "$jobs" --output-on-failure --no-tests=error "${ctest_arguments[@]}"
