#!/usr/bin/env bash
# Makes a fresh Debian 12 machine ready to build cinch: Debian packages, and LibTorch in .venv.
set -euo pipefail
cd "$(dirname "$0")/.."

torch_version=2.11.0
packages=(g++ cmake ninja-build ccache git ca-certificates libgtest-dev libhwy-dev
          nlohmann-json3-dev libcli11-dev zlib1g-dev dataset-fashion-mnist
          libzfp-dev libblosc-dev gnuplot-nox libjs-chart.js prometheus-cpp-dev libmicrohttpd-dev)
lint_packages=(clang-format-14 clang-tidy-14)
# Programs that tests run cinch's output through; without them those tests are skipped.
peer_packages=(chromium prometheus)
# nvcc and its parts; the CUDA runtime came with torch.
cuda_wheels=(nvidia-cuda-nvcc==13.0.88 nvidia-cuda-crt==13.0.88 nvidia-nvvm==13.0.88 nvidia-cuda-cccl==13.0.85)

usage() {
  cat <<TEXT
usage: scripts/setup.sh [--lint] [--cuda] [--peers]

Installs what cinch needs, and does nothing for what is there already:
  Debian packages  ${packages[*]}
                   (as root; otherwise it prints the command for root and stops)
  .venv            Python environment of this checkout with torch==$torch_version, which carries LibTorch

  --lint           also the formatter and the linter: ${lint_packages[*]}
  --cuda           also nvcc, into .venv, where none is on PATH or in /usr/local/cuda: ${cuda_wheels[*]}
  --peers          also programs that tests give cinch's output to: ${peer_packages[*]}

Environment:
  CINCH_TORCH_DIR  an existing LibTorch $torch_version folder to use instead of .venv
  PYTHON           the Python 3 to make .venv with (default: python3, else Debian's)
TEXT
}

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

cuda=no
while [ $# -gt 0 ]; do
  case "$1" in
    --cuda) cuda=yes ;;
    --lint) packages+=("${lint_packages[@]}") ;;
    --peers) packages+=("${peer_packages[@]}") ;;
    -h|--help) usage; exit 0 ;;
    *) usage >&2; printf "setup: unknown argument '%s'\n" "$1" >&2; exit 2 ;;
  esac
  shift
done

installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# need_packages NAME...: installs those that are missing.
need_packages() {
  local missing=() name
  if ! command -v dpkg-query >/dev/null; then
    say "this is not a Debian machine; make sure that it has the equivalents of: $*"
    return 0
  fi
  for name in "$@"; do
    installed "$name" || missing+=("$name")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(id -u)" = 0 ] || fail "these Debian packages are missing; as root run: apt-get install ${missing[*]}"
  say "installing Debian packages: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq || say "apt-get update failed; trying with the lists that are there"
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null ||
    fail "apt-get could not install: ${missing[*]}"
}

# The Pythons for which torch $torch_version has wheels, able to make an environment.
usable_python() {
  "$1" -c 'import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null
}

find_python() {
  local candidate
  for candidate in "${PYTHON:-python3}" /usr/bin/python3; do
    if usable_python "$candidate"; then
      echo "$candidate"
      return 0
    fi
  done
  return 1
}

torch_in_venv() {
  .venv/bin/python -c 'import importlib.metadata as m; print(m.version("torch").split("+")[0])' 2>/dev/null
}

need_packages "${packages[@]}"

if [ -n "${CINCH_TORCH_DIR:-}" ]; then
  [ -f "$CINCH_TORCH_DIR/lib/libtorch_cpu.so" ] || fail "CINCH_TORCH_DIR=$CINCH_TORCH_DIR has no lib/libtorch_cpu.so"
  say "LibTorch is taken from $CINCH_TORCH_DIR"
elif [ "$(torch_in_venv)" != "$torch_version" ]; then
  find_python >/dev/null || need_packages python3 python3-venv
  python="$(find_python)" || fail "no Python 3.10 to 3.14 with the venv module; set PYTHON to one"
  .venv/bin/python -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear .venv
  say "installing torch $torch_version into .venv (about 4.7 GB; one to two minutes on a fast line)"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input "torch==$torch_version" ||
    fail "pip could not install torch==$torch_version; run this script again to resume"
  [ "$(torch_in_venv)" = "$torch_version" ] || fail ".venv holds torch '$(torch_in_venv)', expected $torch_version"
fi

if [ "$cuda" = yes ] && ! command -v nvcc >/dev/null && [ ! -x /usr/local/cuda/bin/nvcc ] &&
    ! .venv/bin/python -m pip show --quiet nvidia-cuda-nvcc 2>/dev/null; then
  say "installing nvcc into .venv"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input "${cuda_wheels[@]}" ||
    fail "pip could not install ${cuda_wheels[*]}"
fi

# Headers of the environment's Python, for the test that runs cinch inside Python.
if [ -x .venv/bin/python ] && ! .venv/bin/python -c \
  'import os, sys, sysconfig; sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))'; then
  case "$(.venv/bin/python -c 'import sys; print(sys.base_prefix)')" in
    /usr) need_packages python3-dev ;;
    *) say "this Python has no headers: the test inside Python will be skipped" ;;
  esac
fi

say "ready"
