#!/usr/bin/env bash
# The main job: ResNet-18 on Fashion-MNIST within a memory budget, beside the same run without cinch.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<TEXT
usage: scripts/demo.sh [CINCH_TRAIN_ARGUMENT...]

Runs scripts/setup.sh, builds cinch-train into build/, and trains with
  build/bin/cinch-train --model resnet18 --data fashion-mnist --budget floor+25% --baseline --steps 100
Arguments are passed on after these, so that they win: --budget 220MiB, --steps 300, --json result.json.
All arguments: build/bin/cinch-train --help
TEXT
}

case "${1:-}" in
  -h|--help) usage; exit 0 ;;
esac

jobs="${JOBS:-$(nproc)}"
scripts/setup.sh
cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release \
      ${CINCH_TORCH_DIR:+-DCINCH_TORCH_DIR="$CINCH_TORCH_DIR"}
cmake --build build -j "$jobs" --target cinch-train
exec build/bin/cinch-train --model resnet18 --data fashion-mnist --budget floor+25% --baseline --steps 100 "$@"
