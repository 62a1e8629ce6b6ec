#!/usr/bin/env bash
# Builds cinch on a machine with a GPU, runs everything that needs one, and keeps the results.
set -euo pipefail
here="$PWD"
cd "$(dirname "$0")/.."

stages=(configure build tests memcheck racecheck kernels build_torch needs hooks bench train limit ncu)

usage() {
  cat <<TEXT
usage: scripts/gpu_check.sh [OUT_DIR] [--stages STAGE,...]

For a machine with a GPU, nvcc, CMake, ninja and a Python that has torch; needs no network and installs nothing. The small
libraries come from bundle/ (scripts/gpu_bundle.sh) or from the system. Builds into build-gpu/. Results go to OUT_DIR
(default: gpu-results). A second call goes on where the first one stopped: what passed on this GPU with these sources
(OUT_DIR/passed.txt) is skipped, but for stages that are named.
  configure  build  the kernels for this GPU alone, and the tests of the codecs
  tests             every test of the codecs, those on the GPU included: tests.xml
  memcheck racecheck  compute-sanitizer on the GPU tests of the codecs: memcheck.txt, racecheck.txt
  kernels           registers, shared memory and spills: kernels.txt
  build_torch       what needs LibTorch, which is that of python3: tests of the hooks, the benches, the trainer
  needs             which rows of the catalogue hold on the GPU: needs_cuda.json; they are then trusted in this build
  hooks             every test of the hooks and of the allocator, also with expandable segments: hooks.xml, expandable.xml
  bench             codecs beside a copy on the GPU: codec_cuda.json
  train             stock, exact and 2 bits, images a second and peaks: train_cuda.json
  limit             trainings under limits where stock runs out of memory: limit_cuda.json
  ncu               Nsight Compute's figures of each kernel in a quick bench, a row a launch: ncu.csv
TEXT
}

out=gpu-results
named=no
while [ $# -gt 0 ]; do
  case "$1" in
    --stages) IFS=, read -r -a stages <<<"${2:?--stages needs names}"; named=yes; shift ;;
    -h|--help) usage; exit 0 ;;
    -*) usage >&2; exit 2 ;;
    *) out="$1" ;;
  esac
  shift
done
case "$out" in /*) ;; *) [ "$out" = gpu-results ] || out="$here/$out" ;; esac
mkdir -p "$out"
out="$(cd "$out" && pwd)"
say() { printf 'gpu_check: %s\n' "$*"; }

# What a stage's result depends on: the GPU and the sources, told without git, which may not be there. The stage `needs`
# writes the catalogue anew, which those before it do not look at.
fingerprint() {
  local without=()
  case "$1" in configure|build|tests|memcheck|racecheck|kernels|build_torch) without=(! -path 'hooks/catalogue/needs*') ;; esac
  {
    nvidia-smi --query-gpu=name,driver_version,compute_cap --format=csv,noheader 2>/dev/null || true
    find CMakeLists.txt cmake src include planner hooks scripts examples bench tests -type f ! -name '*.pyc' "${without[@]}" \
         -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
  } | sha256sum | cut -d ' ' -f 1
}
# A build of which nothing is left has to be made again, whatever it was.
passed_before() {
  grep -qsx "$1 $(fingerprint "$1")" "$out/passed.txt" || return 1
  case "$1" in
    configure) [ -e build-gpu/build.ninja ] ;;
    build) [ -x build-gpu/bin/cinch_test_codec ] ;;
    build_torch) [ -x build-gpu/bin/cinch_test_hooks ] ;;
  esac
}
run_stage() {
  local before
  before="$(fingerprint "$1")"
  { grep -sv "^$1 " "$out/passed.txt" || true; } >"$out/passed.txt.new"
  mv "$out/passed.txt.new" "$out/passed.txt"
  "$1"
  [ "$1" != needs ] || before="$(fingerprint "$1")"
  echo "$1 $before" >>"$out/passed.txt"
}

configure() {
  command -v nvidia-smi >/dev/null || { say "no nvidia-smi: is there a GPU?" >&2; exit 2; }
  nvidia-smi --query-gpu=name,driver_version,memory.total,compute_cap --format=csv | tee "$out/gpu.csv"
  local arch
  arch="$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -n 1 | tr -d '. ')"
  cmake -S . -B build-gpu -G Ninja -DCMAKE_BUILD_TYPE=Release -DCINCH_WITH_CUDA=ON -DCINCH_CUDA_ARCHITECTURES="$arch" \
        -DCMAKE_PREFIX_PATH="$PWD/bundle/usr" -DCMAKE_LIBRARY_ARCHITECTURE="$(gcc -dumpmachine)" \
        -DCINCH_INSTALL=OFF
}
build() { cmake --build build-gpu -j "$(nproc)" --target cinch_test_codec; }
build_torch() {
  cmake --build build-gpu -j "$(nproc)" --target cinch-bench cinch-train cinch_test_hooks cinch_test_backend
}
# A row that does not hold is a finding, not an end: the others are taken over all the same.
needs() {
  local held=0
  build-gpu/bin/cinch-bench needs --device cuda --json "$out/needs_cuda.json" >"$out/needs_cuda.txt" 2>&1 || held=$?
  [ -s "$out/needs_cuda.json" ] || { tail -n 20 "$out/needs_cuda.txt"; return 1; }
  scripts/make_catalogue.py --verified "$out/needs_cuda.json"
  build_torch
  [ "$held" = 0 ] || tail -n 20 "$out/needs_cuda.txt"
  return "$held"
}
hooks() {
  local failed=0
  build-gpu/bin/cinch_test_backend --gtest_brief=1 --gtest_output="xml:$out/backend.xml" || failed=1
  build-gpu/bin/cinch_test_hooks --gtest_brief=1 --gtest_output="xml:$out/hooks.xml" || failed=1
  scripts/cuda_tests.py --gpu yes "$out/backend.xml" "$out/hooks.xml" || failed=1
  PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True \
    build-gpu/bin/cinch_test_hooks --gtest_brief=1 --gtest_filter='*Cuda.*' --gtest_output="xml:$out/expandable.xml" || failed=1
  return "$failed"
}
train() { build-gpu/bin/cinch-bench train --device cuda --json "$out/train_cuda.json"; }
limit() { build-gpu/bin/cinch-bench limit --device cuda --json "$out/limit_cuda.json"; }
tests() {
  build-gpu/bin/cinch_test_codec --gtest_brief=1 --gtest_output="xml:$out/tests.xml"
  scripts/cuda_tests.py --gpu yes "$out/tests.xml"
}
# Each kernel in float32; of the 16-bit types, which load and store in other ways, a few codes each.
sanitize() {
  local filter='*Cuda*float32*:*Cuda*bits*:*Cuda*int_pool*' type
  for type in bfloat16 float16; do
    filter+=":*CodecCuda*group_quant_2_stochastic_$type:*CodecCuda*group_quant_8_stochastic_$type:*CodecCuda*mask_greater_$type"
    filter+=":*CodecCuda*mask_sign_$type:*GroupQuantCuda*group_quant_2_stochastic_$type"
    filter+=":*CodecCuda*cast_fp8_e5m2_flat_$type:*CodecCuda*fixed_point_4_planes_$type:*CodecCuda*pool_2_planes_$type"
    filter+=":*CodecCuda*lfc_8_2_planes_$type:*DitherCuda*LiteralsRaw*$type:*BoundCuda*MissedValues*$type"
  done
  # Kernels are the same whatever a grid is like.
  filter+='-*Large*:*CodecCuda*_volumes_*:*CodecCuda*_tokens_*'
  compute-sanitizer --tool "$1" --error-exitcode 9 build-gpu/bin/cinch_test_codec --gtest_brief=1 \
                    --gtest_filter="$filter" >"$out/$1.txt" 2>&1 || { tail -n 40 "$out/$1.txt"; return 1; }
  tail -n 1 "$out/$1.txt"
}
memcheck() { sanitize memcheck; }
racecheck() { sanitize racecheck; }
kernels() { scripts/kernel_report.py build-gpu >"$out/kernels.txt" || { cat "$out/kernels.txt"; return 1; }; tail -n 1 "$out/kernels.txt"; }
bench() { build-gpu/bin/cinch-bench codec --device cuda --json "$out/codec_cuda.json"; }
# Time, share of the peak rates of memory and multiprocessors, occupancy, registers: what tells why a kernel is not faster.
ncu() {
  local metrics=gpu__time_duration.sum,dram__bytes.sum,dram__throughput.avg.pct_of_peak_sustained_elapsed
  metrics+=,sm__throughput.avg.pct_of_peak_sustained_elapsed,l1tex__throughput.avg.pct_of_peak_sustained_active
  metrics+=,sm__warps_active.avg.pct_of_peak_sustained_active,smsp__inst_executed.sum
  metrics+=,launch__registers_per_thread,launch__occupancy_limit_registers,launch__grid_size
  # The clocks stay as they are: not every machine lets them be locked.
  command ncu --clock-control none --csv --page raw --metrics "$metrics" --log-file "$out/ncu.csv" \
              build-gpu/bin/cinch-bench codec --device cuda --quick >"$out/ncu.txt" 2>&1 || { tail -n 20 "$out/ncu.csv" "$out/ncu.txt"; return 1; }
  # Rows are quoted; what ncu says beside them is not.
  if ! grep -q '^"[0-9].*_kernel' "$out/ncu.csv"; then
    say "ncu saw no kernel" >&2
    tail -n 20 "$out/ncu.csv" >&2
    return 1
  fi
  say "$(grep -c '^"[0-9].*_kernel' "$out/ncu.csv") launches in ncu.csv"
}

for stage in "${stages[@]}"; do
  case "$stage" in
    configure|build|tests|memcheck|racecheck|kernels|build_torch|needs|hooks|bench|train|limit|ncu) ;;
    *) usage >&2; echo "gpu_check: unknown stage '$stage'" >&2; exit 2 ;;
  esac
done
if [ ${#stages[@]} = 1 ]; then
  say "${stages[0]}"
  run_stage "${stages[0]}"
  exit 0
fi

failed=()
for stage in "${stages[@]}"; do
  if [ "$named" = no ] && passed_before "$stage"; then
    say "$stage: skipped, passed before"
    continue
  fi
  # A process of its own: a failing command ends it, and the other stages go on.
  if ! scripts/gpu_check.sh "$out" --stages "$stage"; then
    failed+=("$stage")
    case "$stage" in configure|build|build_torch) break ;; esac
  fi
done
if [ ${#failed[@]} -gt 0 ]; then
  say "failed: ${failed[*]}" >&2
  exit 1
fi
say "all stages passed; results in $out"
