#!/usr/bin/env bash
# Whether scripts/gpu_check.sh goes on where it stopped: a copy of it over a tree of small files, where every program that
# it calls is replaced by a few lines.
# shellcheck disable=SC2016
set -euo pipefail
real="$(cd "$(dirname "$0")/../../scripts" && pwd)/gpu_check.sh"
tree="$(mktemp -d)"
trap 'rm -rf "$tree"' EXIT
cd "$tree"

mkdir -p cmake src include planner hooks/catalogue scripts examples bench tests fake
touch CMakeLists.txt src/a.cpp hooks/a.cpp
echo 0 >hooks/catalogue/needs.json
echo 1 >held
cp "$real" scripts/

# fake PATH TEXT: a program that is called instead of the real one.
fake() {
  mkdir -p "$(dirname "$1")"
  printf '#!/usr/bin/env bash\n%s\n' "$2" >"$1"
  chmod +x "$1"
}
fake fake/nvidia-smi 'echo "${GPU:-9.0}"'
fake fake/cmake 'touch build-gpu/build.ninja; cp -n build-gpu/bin/cinch_test_backend build-gpu/bin/cinch_test_hooks'
fake fake/compute-sanitizer '[ ! -e broken ]'
# The log of ncu, and what the benches and tests write.
fake fake/ncu 'while [ "$1" != --log-file ]; do shift; done; echo "\"0\",\"a_kernel\"" >"$2"'
fake scripts/kernel_report.py 'echo ok'
fake scripts/cuda_tests.py ''
fake scripts/make_catalogue.py 'cp "$2" hooks/catalogue/needs.json'
for program in cinch_test_codec cinch_test_backend cinch_test_hooks cinch-train; do
  fake "build-gpu/bin/$program" 'for a; do case "$a" in --gtest_output=xml:*) echo "<x/>" >"${a#*xml:}" ;; esac; done; true'
done
fake build-gpu/bin/cinch-bench 'while [ $# -gt 0 ]; do [ "$1" != --json ] || cp held "$2"; shift; done'
export PATH="$tree/fake:$PATH"

fail() { printf 'gpu_check_test: %s\n' "$*" >&2; cat "$tree/said" >&2; exit 1; }
# check EXIT [ARGUMENT...]: runs it; then $ran and $skipped hold the stages, in order.
check() {
  local expected="$1" status=0
  shift
  scripts/gpu_check.sh "$tree/out" "$@" >said 2>&1 || status=$?
  [ "$status" = "$expected" ] || fail "exit $status, not $expected"
  ran="$(sed -n 's/^gpu_check: \([a-z_]*\)$/\1/p' said | xargs)"
  skipped="$(sed -n 's/^gpu_check: \([a-z_]*\): skipped, passed before$/\1/p' said | xargs)"
}
expect() { [ "$ran/$skipped" = "$1/$2" ] || fail "$3: ran '$ran', skipped '$skipped'"; }

all="configure build tests memcheck racecheck kernels build_torch needs hooks bench train limit ncu"
touch broken
check 1
expect "$all" "" "the first call"
rm broken
check 0
expect "memcheck racecheck" "${all/memcheck racecheck /}" "what failed is run again, also after the catalogue was written anew"
check 0
expect "" "$all" "nothing has changed"
check 0 --stages bench,kernels
expect "bench kernels" "" "stages that are named"

rm build-gpu/bin/cinch_test_hooks
check 0
expect build_torch "${all/build_torch /}" "a build that is gone"
echo 2 >held
check 0 --stages needs
check 0
expect "hooks bench train limit ncu" "configure build tests memcheck racecheck kernels build_torch needs" "other rows held"
echo new >src/a.cpp
check 0
expect "$all" "" "other sources"
GPU=8.0 check 0
expect "$all" "" "another GPU"
echo "gpu_check_test: all held"
