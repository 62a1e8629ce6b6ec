#!/usr/bin/env bash
# Shows that cinch does without CUDA: it configures where no toolkit can be seen, and with CINCH_WITH_CUDA=OFF the
# sources that differ compile and pass their tests.
set -euo pipefail
cd "$(dirname "$0")/.."

jobs="${JOBS:-$(nproc)}"
options=(-G Ninja -DCMAKE_BUILD_TYPE=Release -DCINCH_WITH_TORCH=OFF -DCINCH_INSTALL=OFF
         -DCINCH_WERROR="${CINCH_WERROR:-OFF}")

# AUTO without a toolkit: every folder that holds nvcc is hidden, wherever the machine has put one.
hidden="$(printf '%s;' /usr/local/cuda/bin "$PWD"/.venv/lib/python3*/site-packages/nvidia/cu13/bin)"
for nvcc in $(type -ap nvcc) /usr/local/bin/nvcc /usr/bin/nvcc; do
  [ ! -e "$nvcc" ] || hidden+="$(dirname "$nvcc");"
done
rm -rf build-nocuda
said="$(env -u CUDA_HOME cmake -S . -B build-nocuda "${options[@]}" -DCMAKE_IGNORE_PATH="$hidden")"
grep -q 'CUDA kernels: left out, no nvcc was found' <<<"$said" ||
  { printf 'check_no_cuda: the toolkit was to be hidden\n%s\n' "$said" >&2; exit 1; }

cmake -S . -B build-nocuda -DCINCH_WITH_CUDA=OFF >/dev/null
cmake --build build-nocuda -j "$jobs" --target cinch_test_codec
build-nocuda/bin/cinch_test_codec --gtest_brief=1 --gtest_filter='CudaRuntime.*:*group_quant_2*:*mask_greater_float32*'
echo "check_no_cuda: configures without a toolkit, builds and runs with CINCH_WITH_CUDA=OFF"
