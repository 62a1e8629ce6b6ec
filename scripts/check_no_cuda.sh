#!/usr/bin/env bash
# Shows that cinch does without CUDA: it configures where no toolkit can be seen, and with CINCH_WITH_CUDA=OFF it
# compiles only what differs and passes its tests, with LibTorch and without.
set -euo pipefail
cd "$(dirname "$0")/.."

jobs="${JOBS:-$(nproc)}"
fail() { printf 'check_no_cuda: %s\n' "$*" >&2; exit 1; }

# Without LibTorch, in a folder of its own.
options=(-G Ninja -DCMAKE_BUILD_TYPE=Release -DCINCH_WITH_TORCH=OFF -DCINCH_INSTALL=OFF
         -DCINCH_WERROR="${CINCH_WERROR:-OFF}")
# AUTO without a toolkit: every folder that holds nvcc is hidden, wherever the machine has put one.
hidden="$(printf '%s;' /usr/local/cuda/bin "$PWD"/.venv/lib/python3*/site-packages/nvidia/cu13/bin)"
for nvcc in $(type -ap nvcc) /usr/local/bin/nvcc /usr/bin/nvcc; do
  [ ! -e "$nvcc" ] || hidden+="$(dirname "$nvcc");"
done
rm -rf build-nocuda
said="$(env -u CUDA_HOME cmake -S . -B build-nocuda "${options[@]}" -DCMAKE_IGNORE_PATH="$hidden")"
grep -q 'CUDA kernels: left out, no nvcc was found' <<<"$said" || fail "the toolkit was to be hidden"$'\n'"$said"

cmake -S . -B build-nocuda -DCINCH_WITH_CUDA=OFF >/dev/null
cmake --build build-nocuda -j "$jobs" --target cinch_test_codec
build-nocuda/bin/cinch_test_codec --gtest_brief=1 --gtest_filter='CudaRuntime.*:*group_quant_2*:*mask_greater_float32*'

# With LibTorch, in build/, where all but what differs is compiled already; afterwards it is what it was.
before="$(sed -n 's/^CINCH_WITH_CUDA:STRING=//p' build/CMakeCache.txt 2>/dev/null || true)"
[ -n "$before" ] || fail "build/ is not there; scripts/test.sh --build-only makes it"
targets=(cinch_test_backend cinch_test_hooks)
back() {
  cmake -S . -B build -DCINCH_WITH_CUDA="$before" >/dev/null
  cmake --build build -j "$jobs" --target "${targets[@]}" >/dev/null
}
cmake --build build -j "$jobs" --target "${targets[@]}"
trap back EXIT
cmake -S . -B build -DCINCH_WITH_CUDA=OFF >/dev/null
cmake --build build -j "$jobs" --target "${targets[@]}" | tee build-nocuda/differs.txt
# A build that is OFF before as well has nothing to compile.
if grep 'Building' build-nocuda/differs.txt | grep -v '_none\.cpp\.o$'; then
  fail "CINCH_WITH_CUDA=OFF compiles these files again, although they do not differ"
fi
export OMP_WAIT_POLICY=passive
build/bin/cinch_test_backend --gtest_brief=1
build/bin/cinch_test_hooks --gtest_brief=1 --gtest_filter='NoCuda.*'
for tests in build/bin/cinch_test_backend build/bin/cinch_test_hooks; do
  ! "$tests" --gtest_list_tests | grep 'Cuda\.$' | grep -v '^NoCuda\.$' || fail "$tests lists tests of a GPU"
done

echo "check_no_cuda: configures without a toolkit, and with CINCH_WITH_CUDA=OFF builds what differs and passes"
